# shellcheck shell=sh
# How an environment is activated. This text is in python_package_run and in run_in_env, word for word, because each of
# them travels alone; the import check of python_package_create reads it from here. What it sets begins with an
# underscore: the task gets our exported variables, and a plain name could be one of them.

# Conda's activate cannot be sourced: it knows bash and zsh only, and under another sh it activates the wrong prefix.
activate() {
    export PATH="$1/bin:${PATH:-/usr/local/bin:/usr/bin:/bin}"
    export CONDA_PREFIX="$1" CONDA_DEFAULT_ENV="$1" CONDA_SHLVL=1 PONCHO_PREFIX="$1" PYTHONNOUSERSITE=1
    unset PYTHONPATH PYTHONHOME PYTHONUSERBASE PYTHONPLATLIBDIR VIRTUAL_ENV
}

# Packages' own activation scripts, and then the command. As with conda it does not matter what a script returns, only
# that it does not end the shell.
# shellcheck disable=SC2016
_LAUNCHER='
_ppr_source() { . "$_ppr_script"; }
_ppr_refuse() { echo "python_package_run: cannot activate: $_ppr_script ended the shell" >&2; exit 4; }
trap _ppr_refuse EXIT
for _ppr_script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
    if true >&2; then _ppr_source >&2; else _ppr_source >/dev/null 2>&1; fi </dev/null
done
trap - EXIT
exec "$@"'

# Conda's activation scripts are written for bash; -p keeps out the task's BASH_ENV.
choose_shell() { if command -v bash >/dev/null; then _shell='bash -p'; else _shell=/bin/sh; fi; }

# Whether every activation script of the environment $1 is valid shell; if not, _problem says why.
scripts_are_valid() {
    choose_shell
    for _script in "$1"/etc/conda/activate.d/*.sh; do
        [ ! -f "$_script" ] || _problem=$($_shell -n -- "$_script" 2>&1) || return
    done
}

# start_activated HOW COMMAND [ARGUMENT...]: become the command in the environment $CONDA_PREFIX; HOW is exec, or does it.
start_activated() {
    _how=$1
    shift
    for _script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
        [ -e "$_script" ] || break
        choose_shell
        # shellcheck disable=SC2086 # words
        set -- $_shell -c "$_LAUNCHER" sh "$@"
        break
    done
    set +eu
    "$_how" "$@"
}
