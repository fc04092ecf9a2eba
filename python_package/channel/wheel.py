"""A wheel -> a Conda package."""

from __future__ import annotations

import base64
import configparser
import hashlib
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from python_package.channel import elf, package
from python_package.channel.interpreter import Interpreter
from python_package.errors import PackError

# The glibc of the manylinux tags that came before they named it (PEP 513, 571, 599).
_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
# Where `.data` folders go (PEP 491), for packages that are linked into any python's folders and for the others.
_FROM_SITE_PACKAGES = "../../../"


@dataclass(frozen=True)
class Wheel:
    """What a wheel says about itself; `name` is canonical (PEP 503)."""

    path: Path
    name: str
    version: str
    tags: frozenset[Tag]
    metadata: Message = field(repr=False)
    info: str  # the name of its .dist-info folder
    entry_points: tuple[str, ...]  # "name = module:attribute"

    @property
    def pure(self) -> bool:
        """Tell whether it runs on any platform."""
        return any(tag.platform == "any" for tag in self.tags)

    def bound(self, interpreter: Interpreter) -> bool:
        """Tell whether it runs on one minor version of Python only (not abi3, not a mere executable)."""
        return any(tag.abi == interpreter.tag for tag in self.tags) and not any(
            tag.abi in ("abi3", "none") for tag in self.tags
        )


def read(path: Path) -> Wheel:
    """Read a wheel's name, tags, metadata and entry points; raise PackError when it is not a wheel."""
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            info = next(n.split("/")[0] for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
            metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
            points = f"{info}/entry_points.txt"
            text = archive.read(points).decode() if points in names else ""
            return Wheel(path, name, str(version), tags, metadata, info, _entry_points(text))
    except (InvalidWheelFilename, StopIteration, zipfile.BadZipFile, UnicodeDecodeError, configparser.Error) as error:
        raise PackError(f"{path}: not a wheel: {error or 'no METADATA'}") from None


def depends(wheel: Wheel, interpreter: Interpreter, others: Mapping[str, Wheel]) -> list[str]:
    """Return the Conda dependencies of a wheel's package for an interpreter, sorted.

    Conda knows no extras: `other[extra]` becomes `other` and what that extra asks for, as `others` (wheels by
    canonical name) tells. What markers exclude on this interpreter is left out.
    """
    found = {_match_spec(requirement) for requirement in _requirements(wheel, interpreter, others, "", set())}
    python = [wheel.metadata.get("Requires-Python", "").replace(" ", "")]
    if wheel.bound(interpreter) or _bound_by_markers(wheel):
        python = [f">={interpreter.short}", f"<{interpreter.next_minor}"]
    elif not wheel.pure:
        python.append(_abi3_floor(wheel))
    found.add(f"python {','.join(part for part in python if part)}".strip())
    if wheel.bound(interpreter):
        found.add(f"python_abi {interpreter.short}.* *_{interpreter.tag}")
    return sorted(found)


def write(
    wheel: Wheel, interpreter: Interpreter, channel: Path, subdir: str, others: Mapping[str, Wheel]
) -> Path:
    """Write a wheel's package into a channel folder whose machine is `subdir`, and return its path.

    A wheel that any Python 3 can use becomes `noarch: python`, in the machine's own folder when it holds
    binaries (CEP 20); one bound to a minor version is laid out for it.
    """
    bound = wheel.bound(interpreter)
    site = f"{interpreter.libdir}/{interpreter.dirname}/site-packages" if bound else "site-packages"
    with tempfile.TemporaryDirectory(prefix="python_package.") as scratch:
        stage = Path(scratch)
        _unpack(wheel, interpreter, stage, site, bound)
        requires = depends(wheel, interpreter, others)
        if not wheel.pure:
            requires.append(_glibc(wheel, stage))
        index: dict[str, object] = {
            "name": wheel.name,
            "version": wheel.version,
            "build": build(wheel, interpreter),
            "build_number": 0,
            "subdir": "noarch" if wheel.pure else subdir,
            "depends": requires,
            "constrains": [],
            "license": _license(wheel.metadata),
            "purls": [f"pkg:pypi/{wheel.name}@{wheel.version}"],
        }
        link = None
        if not bound:
            index["noarch"] = "python"
            points = list(wheel.entry_points)
            link = {"noarch": {"type": "python", "entry_points": points}, "package_metadata_version": 1}
        about = {"summary": wheel.metadata.get("Summary", ""), "home": wheel.metadata.get("Home-page", "")}
        return package.write(stage, package.scan(stage), channel, index, about=about, link=link)


def build(wheel: Wheel, interpreter: Interpreter) -> str:
    """Return the build string: which interpreters it is for."""
    if wheel.bound(interpreter) or _bound_by_markers(wheel):
        return f"py{interpreter.tag[2:]}_0"
    return "py_0" if wheel.pure else "abi3_0"


def _entry_points(text: str) -> tuple[str, ...]:
    parser = configparser.ConfigParser(delimiters="=", interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names of commands keep their case
    parser.read_string(text)
    sections = [parser[name] for name in ("console_scripts", "gui_scripts") if name in parser]
    return tuple(
        f"{name} = {value.split('[')[0].strip()}" for section in sections for name, value in section.items()
    )


def _requirements(
    wheel: Wheel, interpreter: Interpreter, others: Mapping[str, Wheel], extra: str, seen: set[tuple[str, str]]
) -> Iterator[Requirement]:
    environment = {**interpreter.markers, "extra": extra}
    for text in wheel.metadata.get_all("Requires-Dist") or []:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise PackError(f"{wheel.path}: its metadata requires {text!r}: {error}") from None
        if requirement.marker and not requirement.marker.evaluate(environment):
            continue
        name = canonicalize_name(requirement.name)
        if name != wheel.name:  # an extra that asks for its own project's other extras
            yield requirement
        for more in sorted(requirement.extras):
            if name in others and (name, more) not in seen:
                seen.add((name, more))
                yield from _requirements(others[name], interpreter, others, more, seen)


def _match_spec(requirement: Requirement) -> str:
    versions = ",".join(sorted(str(part).replace("===", "==") for part in requirement.specifier))
    return f"{canonicalize_name(requirement.name)} {versions}".strip()


def _bound_by_markers(wheel: Wheel) -> bool:
    """Tell whether what it depends on differs between versions of Python, so that the answer holds for one."""
    return any("python_" in text.partition(";")[2] for text in wheel.metadata.get_all("Requires-Dist") or [])


def _abi3_floor(wheel: Wheel) -> str:
    digits = [re.fullmatch(r"cp3(\d+)", tag.interpreter) for tag in wheel.tags if tag.abi == "abi3"]
    return min((f">=3.{match[1]}" for match in digits if match), default="")


def _glibc(wheel: Wheel, stage: Path) -> str:
    floors = [_MANYLINUX.get(tag.platform.split("_")[0]) for tag in wheel.tags]
    found = [floor for floor in floors if floor]
    for tag in wheel.tags:
        if match := re.match(r"manylinux_(\d+)_(\d+)_", tag.platform):
            found.append((int(match[1]), int(match[2])))
    if not found:  # built here: its floor is this machine's
        found = [max((elf.read(path).glibc[:2] for path in stage.rglob("*") if elf.is_elf(path)), default=(2, 17))]
    major, minor = min(found)
    return f"__glibc >={major}.{minor},<3.0.a0"


def _license(metadata: Message) -> str:
    lines = str(metadata.get("License-Expression") or metadata.get("License") or "").strip().splitlines()
    return lines[0][:60] if lines else "unknown"


def _unpack(wheel: Wheel, interpreter: Interpreter, stage: Path, site: str, bound: bool) -> None:
    scripts = "bin" if bound else "python-scripts"
    places = {
        "purelib": site,
        "platlib": site,
        "scripts": scripts,
        "data": "",
        "headers": f"include/{interpreter.dirname}/{wheel.name}" if bound else f"include/{wheel.name}",
    }
    dropped = {f"{wheel.info}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s", "REQUESTED", "INSTALLER")}
    with zipfile.ZipFile(wheel.path) as archive:
        for member in archive.infolist():
            if member.is_dir() or member.filename in dropped:
                continue
            place, name = site, member.filename
            if match := re.match(r"[^/]+\.data/(purelib|platlib|scripts|data|headers)/(.+)", name, re.DOTALL):
                place, name = places[match[1]], match[2]
            if ".." in PurePosixPath(name).parts or name.startswith("/"):
                raise PackError(f"{wheel.path}: the member {member.filename!r} would leave the environment")
            data = archive.read(member)
            is_script = place == scripts
            if is_script:
                data = re.sub(rb"\A#!pythonw?", f"#!{package.PLACEHOLDER}/bin/python".encode(), data)
            executable = is_script or bool(member.external_attr >> 16 & 0o111)
            _put(stage / place / name, data, executable)
    _put(stage / site / wheel.info / "INSTALLER", b"conda\n", False)
    if bound:
        for point in wheel.entry_points:
            command, _, target = (part.strip() for part in point.partition("="))
            _put(stage / "bin" / command, _script(target), True)
    record = "".join(_record(wheel, stage, site, scripts, bound))
    _put(stage / site / wheel.info / "RECORD", record.encode(), False)


def _put(path: Path, data: bytes, executable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o755 if executable else 0o644)


def _script(target: str) -> bytes:
    module, _, attribute = target.partition(":")
    return (
        f"#!{package.PLACEHOLDER}/bin/python\nimport sys\n\nfrom {module} import {attribute.split('.')[0]}\n\n"
        f'if __name__ == "__main__":\n    sys.exit({attribute}())\n'
    ).encode()


def _record(wheel: Wheel, stage: Path, site: str, scripts: str, bound: bool) -> Iterator[str]:
    """Yield the lines of RECORD as of the linked package: paths from site-packages, no hash where linking rewrites."""
    for path in sorted(path for path in stage.rglob("*") if path.is_file()):
        relative = path.relative_to(stage).as_posix()
        data = path.read_bytes()
        if relative.startswith(f"{site}/"):
            name = relative[len(site) + 1 :]
        else:
            inside = f"bin/{relative[len(scripts) + 1 :]}" if relative.startswith(f"{scripts}/") else relative
            name = _FROM_SITE_PACKAGES + inside
        if package.PLACEHOLDER.encode() in data:
            yield _row(name, "", "")
        else:
            hashed = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            yield _row(name, f"sha256={hashed}", str(len(data)))
    if not bound:  # made when the package is linked
        for point in wheel.entry_points:
            yield _row(f"{_FROM_SITE_PACKAGES}bin/{point.partition('=')[0].strip()}", "", "")
    yield _row(f"{wheel.info}/RECORD", "", "")


def _row(*fields: str) -> str:
    return ",".join('"' + f.replace('"', '""') + '"' if re.search(r'[",\n]', f) else f for f in fields) + "\n"
