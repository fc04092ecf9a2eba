"""The user's own pip settings, in the form that uv takes: mirrors and private indexes work here as they do there."""

from __future__ import annotations

import configparser
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from python_package import subprocesses
from python_package.lock import LOCAL_INDEX
from python_package.pypi import uv_errors
from python_package.spec import USES, Index, canonical

# pip's setting -> uv's variables for the same, the likeliest first (both tools' documentation of their configuration).
VARIABLES = {
    "index-url": ("UV_INDEX_URL", "UV_DEFAULT_INDEX"),
    "extra-index-url": ("UV_EXTRA_INDEX_URL", "UV_INDEX"),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
}

_NAME = re.compile(r"[\w.-]+")

# What uv calls us where it says who needs a package.
PROJECT = "python-package-create"


@dataclass(frozen=True)
class Uv:
    """How to start uv: its environment, and the options that no variable of its own can carry."""

    environ: Mapping[str, str]
    options: tuple[str, ...]

    def pip(self, argv: Sequence[str], wanted: Sequence[str], stdin: str = "") -> subprocesses.Done:
        """Run one of uv's pip commands; `wanted` is what the PackageError for its failure will name."""
        done = self._run(argv, stdin)
        if done.code:
            raise uv_errors.explain(done.stderr, wanted)
        return done

    def require_admission(self, requirements: Iterable[str], python: str) -> None:
        """Raise RefusedError if one of several indexes wants a password.

        uv passes over it in silence where it may take a project from any of them, as pip does: then the project of that
        name in another one would be taken.
        """
        names = "".join(f"{requirement}\n" for requirement in requirements if " @ " not in requirement)
        if not names or self.environ.get("UV_INDEX_STRATEGY", "first-index") == "first-index":
            return
        indexes = [index for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL") for index in self.environ.get(name, "").split()]
        others = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_STRATEGY")
        environ = {name: value for name, value in self.environ.items() if name not in others}
        for index in indexes:
            alone = Uv({**environ, "UV_DEFAULT_INDEX": index}, ())
            done = alone._run(["compile", "--no-deps", "--python", python, "-"], names)
            if done.code and (refused := uv_errors.unauthorised(done.stderr)):
                raise refused

    def _run(self, argv: Sequence[str], stdin: str) -> subprocesses.Done:
        argv = [find_uv_bin(), "pip", "--no-progress", "--color", "never", *argv]
        env = subprocesses.environment(self.environ)
        return subprocesses.run(argv, seconds=subprocesses.INSTALL_SECONDS, env=env, here=True, stdin=stdin)


def for_uv(environ: Mapping[str, str] = os.environ, home: Path | None = None, *, named: Iterable[Index] = ()) -> Uv:
    """Return the caller's environment plus what pip's files and variables say; what is set for uv itself wins.

    The indexes that a dependency file names count as if pip, or uv, had read them there.
    """
    parser = configparser.RawConfigParser(strict=False)
    for path in _files(environ, home or Path.home()):
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself reports a broken file; it does not concern what we install

    def setting(name: str) -> list[str]:
        value = environ.get("PIP_" + name.upper().replace("-", "_"))
        for section in ("install", "global"):
            if value is None and parser.has_option(section, name):
                value = parser.get(section, name)
        return (value or "").split()

    translated = {}
    for name, variables in VARIABLES.items():
        if setting(name):
            translated[variables[0]] = ("," if name == "find-links" else " ").join(setting(name))
    if setting("extra-index-url"):
        # pip takes the best version of all indexes; uv, left to itself, knows the first that has the name.
        translated["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if environ.get("UV_DEFAULT_INDEX"):
        translated.pop("UV_INDEX_URL", None)
    options = [f"--constraint={path}" for path in setting("constraint")]
    if setting("no-index")[:1] in (["1"], ["true"], ["yes"], ["on"]):
        options.append("--no-index")
    # git waits for ever for a server that says nothing; uv breaks the lines of what others say.
    defaults = {"GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": "60", "UV_NO_WRAP": "1"}
    uv = Uv(defaults | translated | dict(environ), tuple(options))
    return _with(
        uv,
        bool({"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(environ)),
        [index for index in named if index.url != LOCAL_INDEX],
    )


def _with(uv: Uv, own_default: bool, named: Sequence[Index]) -> Uv:
    """Return the settings with indexes of a file: its default in place of pip's, the others beside what there is."""
    environ, options = dict(uv.environ), list(uv.options)
    urls = {use: [_named(index) for index in named if index.use == use] for use in USES}
    if urls["default"] and not own_default:
        environ.pop("UV_INDEX_URL", None)
        environ["UV_DEFAULT_INDEX"] = urls["default"][0]
    if urls["extra"]:
        environ.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    for variable, separator, more in (
        ("UV_EXTRA_INDEX_URL", " ", urls["extra"]),
        ("UV_INDEX", " ", urls["first"]),
        ("UV_FIND_LINKS", ",", [*urls["links"], *urls["only-links"]]),
    ):
        if more:
            environ[variable] = separator.join([*filter(None, [environ.get(variable, "")]), *more])
    if urls["only-links"] and "--no-index" not in options:
        options.append("--no-index")
    return Uv(environ, tuple(options))


def _named(index: Index) -> str:
    """Return an index as uv's --index takes it: by its name uv finds its password in UV_INDEX_NAME_PASSWORD."""
    return f"{index.name}={index.url}" if index.name and index.use in ("default", "first") else index.url


def _files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return pip's configuration files, lowest priority first (pip's documented load order on Linux)."""
    system = [Path(d) / "pip" / "pip.conf" for d in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if d]
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [*reversed(system), Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user / "pip" / "pip.conf"]
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    return [*files, Path(named)] if named else files


def project(folder: Path, requirements: Iterable[str], indexes: Iterable[Index]) -> Path | None:
    """Write a project that needs the requirements, in the form in which uv is told of a single package's index.

    Return its pyproject.toml, or None where no index is for single packages. Those who need a package in turn get it
    from its index, too, as long as it is among the requirements.
    """
    wanted = {canonical(match[0]): each for each in requirements if (match := _NAME.match(each))}
    explicit = [index for index in indexes if index.use == "explicit" and set(index.packages) & set(wanted)]
    if not explicit:
        return None
    # As the root of a workspace it is no member of one that a folder above may be.
    lines = ["[project]", f"name = {json.dumps(PROJECT)}", 'version = "0"']
    lines += [f"dependencies = {json.dumps([*requirements])}", "[tool.uv.workspace]", "members = []"]
    sources = []
    for number, index in enumerate(explicit):
        name, url = json.dumps(index.name or f"{PROJECT}-{number}"), json.dumps(index.url)
        lines += ["[[tool.uv.index]]", f"name = {name}", f"url = {url}", "explicit = true"]
        placed = (package for package in index.packages if "@" not in wanted.get(package, "@"))
        sources += [f"{json.dumps(package)} = {{ index = {name} }}" for package in placed]
    path = folder / "pyproject.toml"
    path.write_text("\n".join([*lines, "[tool.uv.sources]", *sources, ""]), encoding="utf-8")
    path.chmod(0o600)
    return path
