"""The user's Conda configuration: which files and variables count, how they are put together, what is refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from python_package.address import Address
from python_package.conda import condarc
from python_package.conda.condarc import Condarc, Limits
from python_package.errors import SolveError

HERE = "linux-64"


def load(home: Path, text: str = "", environ: Mapping[str, str] | None = None) -> Condarc:
    if text:
        (home / ".condarc").write_text(text)
    return condarc.load(HERE, {"PATH": "", **(environ or {})}, home)


def names(loaded: Condarc) -> list[str]:
    return [channel.reveal() for channel in loaded.channels]


def test_load__no_files__is_condas_own_defaults(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded.channels == ()
    assert loaded.priority == "flexible"
    assert loaded.verify
    assert (loaded.offline, loaded.certificates, dict(loaded.proxies)) == (False, None, {})


@pytest.mark.parametrize("text", ["", "\n", "---\n", "# nothing\n", "{}\n", "channels: ~\nproxy_servers: ~\n"])
def test_load__files_that_say_nothing__say_nothing(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text).channels == ()


# The search path of conda/base/constants.py, lowest first; each says the same keys.
_PLACES = (
    "root/.condarc",
    "root/condarc",
    "root/condarc.d/a.yml",
    "root/condarc.d/b.yaml",
    "xdg/conda/.condarc",
    "xdg/conda/condarc",
    "xdg/conda/condarc.d/a.yml",
    ".config/conda/.condarc",
    ".config/conda/condarc",
    ".config/conda/condarc.d/a.yml",
    ".conda/.condarc",
    ".conda/condarc",
    ".conda/condarc.d/a.yml",
    ".condarc",
    "active/.condarc",
    "active/condarc",
    "active/condarc.d/a.yml",
    "named/z.yml",
)


def test_load__every_place__counts_in_condas_order(tmp_path: Path) -> None:
    for place in (*_PLACES, "root/condarc.d/c.txt"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f"channels: [{place.replace('/', '-')}, all]\nchannel_alias: file:///{place}\n")
    environ = {
        "CONDA_EXE": str(tmp_path / "root" / "bin" / "conda"),
        "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
        "CONDA_PREFIX": str(tmp_path / "active"),
        "CONDARC": "~/named",
    }
    loaded = load(tmp_path, environ=environ)
    first, *rest = [place.replace("/", "-") for place in reversed(_PLACES)]
    assert names(loaded) == [first, "all", *rest]
    assert loaded.names.alias.address.reveal() == "file:///named/z.yml"


@pytest.mark.parametrize("variable", ["CONDA_EXE", "CONDA_ROOT", "PATH"])
def test_load__installed_conda_not_active__its_own_file_counts(tmp_path: Path, variable: str) -> None:
    program = tmp_path / "root" / "condabin" / "conda"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "root" / ".condarc").write_text("channels: [site]\n")
    value = {"CONDA_EXE": program, "CONDA_ROOT": tmp_path / "root", "PATH": program.parent}[variable]
    assert names(load(tmp_path, environ={variable: str(value)})) == ["site"]


def test_load__conda_on_path_through_a_link__is_found_where_it_is_installed(tmp_path: Path) -> None:
    for folder in ("root/bin", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    program = tmp_path / "root" / "bin" / "conda"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "elsewhere" / "conda").symlink_to(program)
    (tmp_path / "root" / ".condarc").write_text("channels: [site]\n")
    assert names(load(tmp_path, environ={"PATH": str(tmp_path / "elsewhere")})) == ["site"]


def test_load__active_base__its_file_counts_once_and_where_it_is_named_first(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / ".condarc").write_text("channel_alias: https://root.example\n")
    environ = {"CONDA_ROOT": str(tmp_path / "root"), "CONDA_PREFIX": str(tmp_path / "root")}
    loaded = load(tmp_path, "channel_alias: https://home.example\n", environ)
    assert loaded.names.alias.address.reveal() == "https://home.example"


@pytest.mark.parametrize("named", ["~/my.condarc", "$WHERE/my.condarc"])
def test_load__condarc_variable__is_expanded_and_wins(
    tmp_path: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE", str(tmp_path))
    (tmp_path / "my.condarc").write_text("channel_priority: disabled\nenvs_dirs: [~/elsewhere]\n")
    loaded = load(tmp_path, "channel_priority: strict\n", {"CONDARC": named})
    assert loaded.priority == "disabled"
    assert loaded.envs_dirs == (tmp_path / "elsewhere",)


# Lists, from the highest file to the lowest: tests/common/test_configuration.py of conda and its documentation of the
# flags; what is right was worked out with SequenceLoadedParameter.merge.
@pytest.mark.parametrize(
    ("low", "high", "merged"),
    [
        ("channels: [a, b]", "channels: [b, c]", ["b", "c", "a"]),
        ("channels: [a]", "channels: []", ["a"]),
        ("channels: [a]", "channels:", ["a"]),
        ("channel: [a]", "channels: [b]", ["b", "a"]),
        ("channels: [a]  #!final", "channels: [b]", ["a"]),
        ("channels:  #!final\n  - a", "channels: [b]", ["a"]),
        ("channels:\n  - a\n  - b  #!top", "channels: [c]", ["b", "c", "a"]),
        ("channels: [a]", "channels:\n  - b  #!bottom\n  - c", ["c", "a", "b"]),
        ("channels:\n  - a  #!top", "channels:\n  - b  #!top", ["a", "b"]),
        ("channels:\n  - a  #!bottom", "channels:\n  - b  #!bottom\n  - c", ["c", "b", "a"]),
        ("channels:\n  - a  # top of all", "channels: [b]", ["b", "a"]),
    ],
)
def test_load__two_lists__are_merged_as_conda_does(tmp_path: Path, low: str, high: str, merged: list[str]) -> None:
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "condarc").write_text(low + "\n")
    assert names(load(tmp_path, high + "\n")) == merged


def test_load__two_mappings__are_merged_by_name(tmp_path: Path) -> None:
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "condarc").write_text(
        "custom_channels:\n  a: https://low.example\n  b: https://low.example  #!final\n  c: https://low.example\n"
        "custom_multichannels:\n  m: [low]\n"
    )
    loaded = load(
        tmp_path,
        "custom_channels:\n  a: https://high.example\n  b: https://high.example\ncustom_multichannels:\n  m: [high]\n",
    )
    places = [str(loaded.resolve(name)[0]) for name in "abc"]
    assert places == ["https://high.example/a", "https://low.example/b", "https://low.example/c"]
    assert [str(each).rpartition("/")[2] for each in loaded.resolve("m")] == ["high", "low"]


def test_load__final_word_in_a_lower_file__no_higher_file_or_variable_counts(tmp_path: Path) -> None:
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda" / "condarc").write_text("channel_priority: strict  #!final\noffline: true #!final\n")
    environ = {"CONDA_CHANNEL_PRIORITY": "disabled", "CONDA_OFFLINE": "false"}
    loaded = load(tmp_path, "channel_priority: disabled\n", environ)
    assert loaded.priority == "strict"
    assert loaded.offline


def test_load__variables__come_before_the_files(tmp_path: Path) -> None:
    environ = {
        "CONDA_CHANNELS": "first, second,",
        "CONDA_CHANNEL_ALIAS": "https://alias.example/",
        "CONDA_CHANNEL_PRIORITY": "strict",
        "CONDA_OFFLINE": "yes",
        "CONDA_ENVS_PATH": "/one:/two",
        "CONDA_PINNED_PACKAGES": "python=3.11&numpy 1.26.*",
        "CONDA_SSL_VERIFY": "false",
        "CONDA_SUBDIR": HERE,
        "CONDA_DEFAULT_CHANNELS": "https://own.example/main",
    }
    loaded = load(tmp_path, "channels: [second, third]\nenvs_dirs: [/three]\nchannel_priority: flexible\n", environ)
    assert names(loaded) == ["first", "second", "third"]
    assert str(loaded.resolve("x")[0]) == "https://alias.example/x"
    assert loaded.priority == "strict"
    assert loaded.offline
    assert loaded.envs_dirs == (Path("/one"), Path("/two"), Path("/three"))
    assert loaded.pinned == ("python=3.11", "numpy 1.26.*")
    assert not loaded.verify
    assert [str(each) for each in loaded.resolve("defaults")] == ["https://own.example/main"]


def test_load__empty_variables__say_nothing(tmp_path: Path) -> None:
    environ = {"CONDA_CHANNELS": "", "CONDA_OFFLINE": "", "CONDARC": "", "CONDA_PREFIX": "", "CONDA_EXE": ""}
    assert names(load(tmp_path, "channels: [a]\n", environ)) == ["a"]


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("strict", "strict"),
        ("flexible", "flexible"),
        ("disabled", "disabled"),
        ("true", "flexible"),
        ("no", "disabled"),
    ],
)
def test_load__channel_priority__is_one_of_three(tmp_path: Path, text: str, priority: str) -> None:
    assert load(tmp_path, f"channel_priority: {text}\n").priority == priority


@pytest.mark.parametrize(
    ("text", "offline"),
    [("true", True), ("'false'", False), ("'True'", True), ("no", False), ("'0'", False), ("1", True)],
)
def test_load__offline__is_a_truth_however_it_is_written(tmp_path: Path, text: str, offline: bool) -> None:
    assert load(tmp_path, f"offline: {text}\n").offline is offline


# conda's test_channel.py, testdata2: variables count in channels, allowlist_channels and custom_channels.
def test_load__variables_in_values__are_expanded_if_they_are_set(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        "channels: ['http://user22:$PW@some.url:8080', 'http://h/${DIR}', 'http://h/$NONE']\n"
        "custom_channels:\n  expanded: http://user33:$PW@another.url:8080/with/path/t/tk-1234\n"
        "proxy_servers:\n  http: http://u:${PW}@proxy:1\n",
        {"PW": "pass44", "DIR": "folder"},
    )
    assert names(loaded) == ["http://user22:pass44@some.url:8080", "http://h/folder", "http://h/$NONE"]
    (expanded,) = loaded.resolve("expanded")
    assert expanded.reveal() == "http://user33:pass44@another.url:8080/with/path/t/tk-1234/expanded"
    assert loaded.proxies == {"http": Address("http://u:pass44@proxy:1")}
    assert "pass44" not in repr(loaded)


def test_load__certificates__are_those_of_ssl_verify_else_of_the_variables_of_requests(tmp_path: Path) -> None:
    bundle, other = tmp_path / "ca.pem", tmp_path / "other.pem"
    bundle.touch()
    other.touch()
    environ = {"REQUESTS_CA_BUNDLE": str(other)}
    assert load(tmp_path, f"ssl_verify: {bundle}\n", environ).certificates == bundle
    assert load(tmp_path, "ssl_verify: ~/ca.pem\n").certificates == bundle
    assert load(tmp_path, "verify_ssl: true\n", environ).certificates == other
    assert load(tmp_path, "ssl_verify: truststore\n").certificates is None
    assert load(tmp_path, "ssl_verify: 'no'\n", environ).verify is False
    assert load(tmp_path, "ssl_verify: true\n", {"CURL_CA_BUNDLE": "/nowhere"}).certificates is None


def test_load__proxies__of_variables_come_first_and_a_scheme_is_added(tmp_path: Path) -> None:
    text = "proxy_servers:\n  http: proxy.example:3128\n  https: https://proxy.example\n"
    assert load(tmp_path, text).proxies == {
        "http": Address("http://proxy.example:3128"),
        "https": Address("https://proxy.example"),
    }
    environ = {"HTTPS_PROXY": "http://of.variable"}
    assert load(tmp_path, text, environ).proxies["https"] == Address("http://of.variable")
    assert load(tmp_path, "offline: true\n", environ).proxies == {}


def test_load__limits__are_condas_own_or_as_they_are_written(tmp_path: Path) -> None:
    assert load(tmp_path).limits == Limits(9.15, 60, 3)
    text = "remote_connect_timeout_secs: 1.5\nremote_read_timeout_secs: 20\nremote_max_retries: 0\n"
    assert load(tmp_path, text).limits == Limits(1.5, 20, 0)
    assert load(tmp_path, text, {"CONDA_REMOTE_MAX_RETRIES": "7"}).limits == Limits(1.5, 20, 7)


def test_load__pins_to_be_ignored__bind_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "pinned_packages: [numpy=1]\nignore_pinned: true\n").pinned == ()


def test_load__use_local__puts_what_conda_build_made_first(tmp_path: Path) -> None:
    (tmp_path / "built").mkdir()
    loaded = load(tmp_path, f"use_local: true\nchannels: [a]\nconda-build:\n  root-dir: {tmp_path}/built\n")
    assert names(loaded) == ["local", "a"]
    assert [each.reveal() for each in loaded.resolve("local")] == [f"file://{tmp_path}/built"]


def test_load__nothing_but_a_mirror_of_the_default_channels__is_what_packages_come_from(tmp_path: Path) -> None:
    loaded = load(tmp_path, "default_channels: [https://mirror.example/main]\n")
    assert names(loaded) == ["defaults"]
    assert [str(each) for each in loaded.resolve("defaults")] == ["https://mirror.example/main"]
    assert names(load(tmp_path, "default_channels: [https://mirror.example/main]\nchannels: [a]\n")) == ["a"]


def test_load__keys_that_do_not_matter__are_passed_over(tmp_path: Path) -> None:
    text = "auto_activate_base: false\nchangeps1: [odd]\nplugins: {x: {y: z}}\n1: 2\nchannel_settings: [{a: b}]\n"
    assert load(tmp_path, text, {"CONDA_SHLVL": "1", "CONDA_DEFAULT_ENV": "base"}).channels == ()


_REFUSED = [
    ("channels: [unclosed\n", {}, r"\.condarc: not a readable Conda configuration"),
    ("just words\n", {}, r"\.condarc: not a Conda configuration: expected lines like"),
    ("- a\n", {}, "not a Conda configuration"),
    ("[" * 2000, {}, "nested more than 50 levels"),
    ("channels: !!python/object:os.system x\n", {}, "not a readable Conda configuration"),
    ("x: 2024-99-99\n", {}, "not a readable Conda configuration"),
    ("channels: conda-forge\n", {}, r"\.condarc:1: channels must be a list, not 'conda-forge'"),
    ("\nchannels: {a: b}\n", {}, r"\.condarc:2: channels must be a list"),
    ("channels: [[a]]\n", {}, "channels must be text"),
    ("channels: [~]\n", {}, "channels must be text"),
    ("channels: [a]\nchannel: [b]\n", {}, "channel and channels are the same key"),
    ("custom_channels: [a]\n", {}, "custom_channels must be a mapping of names"),
    ("custom_channels: {a: [b]}\n", {}, "custom_channels: a: expected one URL"),
    ("custom_multichannels: {a: b}\n", {}, "custom_multichannels: a: expected a list"),
    ("proxy_servers: http://x\n", {}, "proxy_servers must be a mapping"),
    ("proxy_servers: {'http://u:s3cret@host': 'http://p'}\n", {}, "a proxy for http://host alone cannot be used"),
    ("channel_alias: conda.example\n", {}, "channel_alias: 'conda.example' must begin with a scheme"),
    ("channel_priority: loose\n", {}, "channel_priority: 'loose' is none of strict, flexible, disabled"),
    ("offline: maybe\n", {}, "offline: 'maybe' is neither true nor false"),
    ("ssl_verify: /no/such/ca.pem\n", {}, "ssl_verify: /no/such/ca.pem: there is no such certificate file"),
    ("remote_max_retries: many\n", {}, "remote_max_retries: 'many' is not a number"),
    ("remote_read_timeout_secs: -1\n", {}, "'-1' is not a number of zero or more"),
    ("remote_read_timeout_secs: .inf\n", {}, "'inf' is not a number"),
    ("client_ssl_cert: /a.pem\n", {}, r"\.condarc:1: client_ssl_cert: client certificates are not supported"),
    ("subdir: osx-64\n", {}, "subdir: osx-64 is no platform that an environment can be made for; only linux-64"),
    ("subdirs: [linux-64, linux-32]\n", {}, "subdirs: linux-32 cannot be used"),
    ("repodata_fns: [mine.json]\n", {}, "repodata_fns: mine.json is not supported"),
    ("force_32bit: true\n", {}, "force_32bit: the platform is linux-64"),
    ("", {"CONDA_SUBDIR": "win-64"}, "CONDA_SUBDIR: subdir: win-64 is no platform"),
    ("", {"CONDA_OFFLINE": "perhaps"}, "CONDA_OFFLINE: offline: 'perhaps'"),
    ("", {"CONDA_CUSTOM_CHANNELS": "a"}, "CONDA_CUSTOM_CHANNELS: custom_channels must be a mapping"),
]


@pytest.mark.parametrize(("text", "environ", "message"), _REFUSED)
def test_load__broken_or_not_to_be_honoured__is_refused_in_one_line(
    tmp_path: Path, text: str, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SolveError, match=message) as caught:
        load(tmp_path, text, environ)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"channels: [\xff]\n", b"\xff\xfea\x00", b"x: \x00\n", b"#" * 1_100_000])
def test_load__bytes_that_are_no_text__are_refused_in_one_line(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / ".condarc").write_bytes(raw)
    with pytest.raises(SolveError, match=r"\.condarc: not a"):
        load(tmp_path)


def test_load__alias_bomb__is_not_unfolded(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for one, other in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{other}: &{other} [{', '.join([f'*{one}'] * 9)}]")
    with pytest.raises(SolveError, match="not a readable Conda configuration: more than"):
        load(tmp_path, "\n".join([*lines, "channels: *i", ""]))


def test_load__a_pipe_in_the_place_of_a_file__is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".condarc")
    assert load(tmp_path).channels == ()


# conda's test_index.py: test_check_allowlist, test_check_denylist.
_LISTED = "defaults,conda-forge,https://beta.conda.anaconda.org/conda-test"


@pytest.mark.parametrize(
    ("channel", "allowed"),
    [
        ("conda-canary", False),
        ("https://repo.anaconda.com/pkgs/denied", False),
        ("defaults", True),
        ("https://repo.anaconda.com/pkgs/main", True),
        ("https://conda.anaconda.org/conda-forge/linux-64", True),
        ("https://me:pw@conda.anaconda.org/t/tk-1/conda-forge", True),
        ("https://conda.anaconda.org/conda-forge-evil", False),
    ],
)
def test_require_allowed__lists_of_channels__let_only_these_pass_or_all_but_these(
    tmp_path: Path, channel: str, allowed: bool
) -> None:
    for variable, passes in (("CONDA_ALLOWLIST_CHANNELS", allowed), ("CONDA_DENYLIST_CHANNELS", not allowed)):
        loaded = load(tmp_path, environ={variable: _LISTED})
        if passes:
            loaded.require_allowed(loaded.resolve(channel))
        else:
            with pytest.raises(SolveError, match=variable.removeprefix("CONDA_").lower()) as caught:
                loaded.require_allowed(loaded.resolve(channel))
            assert "pw" not in str(caught.value)


def test_require_allowed__others_forbidden__only_the_configured_pass(tmp_path: Path) -> None:
    loaded = load(tmp_path, "channels: [mine]\noverride_channels_enabled: false\n")
    loaded.require_allowed(loaded.resolve("mine"))
    with pytest.raises(SolveError, match="override_channels_enabled: false"):
        loaded.require_allowed(loaded.resolve("other"))
