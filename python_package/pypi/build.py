"""Projects in folders on this machine are built into wheels, whose bytes depend on their contents alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from uv import find_uv_bin

from python_package import subprocesses
from python_package.address import Address
from python_package.errors import ProgramError, SolveError
from python_package.files import disk
from python_package.pypi import source_copy, uv_errors, uv_settings, wheel
from python_package.pypi.direct_url import Project
from python_package.pypi.pip_settings import for_uv
from python_package.pypi.wheel_cache import CachedWheel, WheelCache
from python_package.spec import Index, canonical
from python_package.target import markers

# Raise it when the same project would become another wheel.
_FORMAT = "1"
# distutils' and setuptools' own variables: what links a module, of C and of C++.
_LINKERS = ("LDSHARED", "LDCXXSHARED")

_QUESTION = """
import json, os, sys, sysconfig
names = ("SOABI", "CC", "CFLAGS", "LDSHARED", "LDCXXSHARED")
facts = {name: sysconfig.get_config_var(name) for name in names}
conda = os.path.isdir(os.path.join(sys.prefix, "conda-meta"))
print(json.dumps({**facts, "version": sys.version, "conda": conda, "prefix": sys.prefix}))
"""

# The first moment that a zip file can express.
_EPOCH = "315532800"


@dataclass(frozen=True)
class Built:
    """The wheels that were made, and the direct references (PEP 508) to what they need from elsewhere."""

    wheels: tuple[CachedWheel, ...]
    references: tuple[str, ...]


def build(
    projects: Sequence[Project],
    python: Path,
    *,
    extras: str = "",
    others: Mapping[str, Project] | None = None,
    indexes: Sequence[Index] = (),
    offline: bool = False,
    wheels: WheelCache | None = None,
    platform: str = "",
) -> Built:
    """Make the wheels of projects on this machine, and of those of the `others` that they need.

    `platform` is Conda's name of the one that they are for, "" for this machine's.
    `python` is the interpreter of the environment that they are for, `extras` ("[a,b]") are those wanted of the
    projects, and `indexes` are those that the dependency file names. A folder is built as it is now, in a copy; a
    wheel is taken as it is. What a project needs comes from where its own [tool.uv.sources] says, as for uv.
    Raises SolveError with the project's path and the reason when one cannot be built, UnreachableError when its build
    needs an index that does not answer.
    A project that lies elsewhere is only referred to.
    """
    wheels = wheels or WheelCache()
    built: dict[str, CachedWheel] = {}
    references = {}
    waiting = [(project, frozenset(re.findall(r"[\w.-]+", extras))) for project in projects]
    done = set()
    while waiting:
        project, wanted = waiting.pop()
        if not project.is_here:
            references[project.name] = project.requirement()
        elif (project.name, wanted) not in done:
            done.add((project.name, wanted))
            sources = _Sources(project, indexes, platform) if project.path.is_dir() else None
            if project.name not in built:
                built[project.name] = _wheel(project, python, indexes, offline, wheels)
            for need in _needs(built[project.name].path):
                place = sources and sources.place(need, wanted)
                if place := place or (others or {}).get(canonical(need.name)):
                    waiting.append((place, frozenset(need.extras)))
    wheels.trim()
    return Built(tuple(built[name] for name in sorted(built)), tuple(references[name] for name in sorted(references)))


class _Sources:
    """Where a project says that its dependencies come from; SolveError, with its pyproject.toml, where that cannot be.

    `indexes` are those that the dependency file names, `platform` is the one that the project is for.
    """

    def __init__(self, project: Project, indexes: Sequence[Index], platform: str) -> None:
        self._where = f"{project.name}: {project.path}/pyproject.toml"
        self._indexes = indexes
        own = {key: str(value) for key, value in default_environment().items()}
        self._markers = {**own, **(markers(platform) if platform else {})}
        with self._telling():
            self._settings = uv_settings.in_folder(project.path.resolve())
        for name in uv_settings.of_other_indexes(project.path):
            self._require_index(name, "an index of its own")
        for text in uv_settings.build_requirements(project.path):
            with suppress(InvalidRequirement):
                if canonical(Requirement(text).name) in self._settings.sources:
                    raise SolveError(
                        f"{self._where}: it is built with {text}, which [tool.uv.sources] places; "
                        "build its wheel with `uv build`, and name that"
                    )

    def place(self, need: Requirement, extras: Collection[str]) -> Project | None:
        """Return the place of what a project needs, for one of the extras or in any case; None for the usual ones."""
        name = canonical(need.name)
        if name not in {*self._settings.sources, *self._settings.members}:
            return None
        if need.marker and not any(need.marker.evaluate({**self._markers, "extra": extra}) for extra in ("", *extras)):
            return None
        with self._telling():
            source = self._settings.source(name, self._markers)
        if source and source.index:
            self._require_index(name, f"the index {Address(source.index.url)}")
        return Project(name, "", source.url) if source and source.url else None

    def _require_index(self, name: str, index: str) -> None:
        if not any(name in each.packages for each in self._indexes):
            raise SolveError(
                f"{self._where} takes {name} from {index}; name {name} with that index in the dependency file, too"
            )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise SolveError(f"{self._where}: {error}") from None


def _wheel(project: Project, python: Path, indexes: Sequence[Index], offline: bool, wheels: WheelCache) -> CachedWheel:
    path = project.path
    if not path.exists():
        raise SolveError(
            f"{project.name}: {path}, where it is to come from, does not exist; "
            "install it again, or choose a published package with --map"
        )
    if path.suffix == ".whl" and wheel.parse_name(path.name):
        return wheels.put(path, project.url)
    files = () if path.is_file() else source_copy.sources(path)
    key = disk.sha256(path) if path.is_file() else source_copy.fingerprint(path, files)
    builder = _ask(python)
    key = hashlib.sha256("\0".join([_FORMAT, key, project.version, builder.identity]).encode()).hexdigest()
    known = wheels.recall(key, project.url)
    if known:
        return known
    with wheels.workspace(key) as folder:
        source = path if path.is_file() else folder / path.name
        if source != path:
            source_copy.copy(path, files, source)
        made = wheels.put(_built(project, source, folder / "out", python, builder, indexes, offline), project.url)
    wheels.remember(key, made)
    return made


def _built(
    project: Project, source: Path, out: Path, python: Path, builder: _Builder, indexes: Sequence[Index], offline: bool
) -> Path:
    uv = for_uv(named=indexes)
    argv = [find_uv_bin(), "build", "--wheel", "--no-create-gitignore", "--no-progress", "--color", "never"]
    argv += ["--no-sources", "--python", str(python), "--out-dir", str(out)]
    argv += ["--offline"] if offline else []
    argv += ["--no-index"] if "--no-index" in uv.options else []
    process = subprocesses.run(
        [*argv, "--", str(source)],
        seconds=subprocesses.BUILD_SECONDS,
        env={**builder.environ, **_environ(uv.environ, project, source)},
        here=True,
        umask=0o022,
    )
    made = list(out.glob("*.whl")) if out.is_dir() else []
    if process.code or len(made) != 1:
        what = f"{project.name}: its project {project.path} cannot be built into a wheel"
        # The build's own words come before.
        failure = f"\n{process.stderr}".rpartition("\nerror: Failed to build")
        if unreachable := uv_errors.of_files_and_networks("".join(failure[1:]), f"the build of {project.name}"):
            raise unreachable
        raise SolveError(f"{what}: {_reason(process.stderr)}")
    return made[0]


def _environ(environ: Mapping[str, str], project: Project, source: Path) -> dict[str, str]:
    """Return what makes a build depend on its sources alone: no time, no order of hashing, no paths for debuggers."""
    kept = {key: value for key, value in environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "CONDA_"))}
    flags = {name: f"{kept.get(name, '')} -g0".strip() for name in ("CFLAGS", "CXXFLAGS")}
    more = {"SOURCE_DATE_EPOCH": _EPOCH, "PYTHONHASHSEED": "0", "GIT_OPTIONAL_LOCKS": "0"}
    if not (source / ".git").exists() and project.version:
        # The copy of a part of a repository cannot ask it for its version; setuptools-scm's and hatch-vcs's variable.
        name = project.name.upper().replace("-", "_")
        more[f"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_{name}"] = project.version
    return {**kept, **flags, **more}


@dataclass(frozen=True)
class _Builder:
    """An interpreter that builds: what decides which wheels come out, and the variables that its compiler needs."""

    identity: str
    environ: Mapping[str, str]


def _ask(python: Path) -> _Builder:
    """Ask an interpreter how it builds; its own folder is told to nobody, because the environment will move.

    A library that a module needs is looked for where it will lie seen from the module, wherever in site-packages.
    """
    try:
        answer = subprocesses.run([python, "-I", "-S", "-c", _QUESTION], seconds=subprocesses.QUESTION_SECONDS)
        facts = json.loads(answer.stdout)
    except ProgramError as error:
        raise SolveError(f"{python}: does not run: {error}") from None
    except ValueError:
        raise SolveError(f"{python}: does not run: {answer.stderr or answer.code}") from None
    prefix = facts.pop("prefix")
    own = re.compile(rf"(-Wl,-rpath[,=]){re.escape(prefix)}/lib(?=\s|$)")
    up = ":".join(f"$ORIGIN/{'../' * depth}.." for depth in range(1, 5))
    commands = {name: own.sub(rf"\1{up}", facts[name]) for name in _LINKERS if own.search(facts[name] or "")}
    # sysconfig does not quote; a folder may have a space in its name.
    linkers = {name: text.replace(prefix, prefix.replace(" ", "\\ ")) for name, text in commands.items()}
    return _Builder(json.dumps(facts).replace(prefix, "PREFIX"), linkers)


def _needs(path: Path) -> Iterator[Requirement]:
    """Yield all that a wheel may require."""
    with suppress(BadZipFile, ValueError, OSError), ZipFile(path) as archive:  # uv says what is wrong with it
        for text in wheel.distribution(archive)[1].requires or ():
            with suppress(InvalidRequirement):
                yield Requirement(text)


def _reason(stderr: str) -> str:
    """Return the last line that the build itself wrote, or uv's own reason when it wrote none."""
    log, _, summary = stderr.partition("error: Failed to build")
    lines = [line.strip() for line in log.splitlines() if line.strip() and not line.startswith("Building ")]
    causes = [line.partition("cause:")[2].strip() for line in summary.splitlines() if "cause:" in line]
    return lines[-1] if lines else causes[-1] if causes else " ".join(stderr.split())
