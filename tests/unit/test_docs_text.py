"""What README and docs/ name exists: files, links, targets of the Makefile, and the commands' options."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
COMMANDS = ("python_package_analyze", "python_package_create", "python_package_run")
CHANNEL = "python_package.channel"
FOLDERS = "docs|docker|integration|python_package|scripts|tests"
# Options of other programs that the text names: here of the peers that the comparison runs.
OTHERS = {"--check-undeclared", "--mode", "--use-local"}


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_links__of_a_page__lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if path.startswith("https://"):
            continue
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor and linked.suffix == ".md":
            assert anchor in _anchors(linked), target


def test_files__named_in_a_page__exist(page: Path) -> None:
    for named in re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", page.read_text()):
        assert (ROOT / named).exists(), named


def test_targets__named_in_a_page__are_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    named = set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^ {4}make ([a-z-]+)", text, re.MULTILINE))
    assert named <= targets


def test_commands__shown_in_a_page__have_these_options(page: Path) -> None:
    for command, given in _shown(page.read_text()):
        assert set(given) <= _options(command), command


def test_commands__shown_in_all_pages__are_many() -> None:
    shown = [command for page in PAGES for command, _ in _shown(page.read_text())]
    assert all(shown.count(command) >= 10 for command in COMMANDS)


def test_options__named_in_running_text__are_of_some_command(page: Path) -> None:
    known = set().union(*map(_options, (*COMMANDS, CHANNEL))) | OTHERS
    named = set(re.findall(r"`(--[a-z-]+)[ `=]", page.read_text()))
    assert named <= known


def test_map__in_contributing__has_every_package() -> None:
    mapped = set(re.findall(r"^ {6,8}(\w+)/ ", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    packages = {path.parent.name for path in (ROOT / "python_package").glob("*/__init__.py")}
    assert mapped == packages | {"inputs", "man"}


@cache
def _options(command: str) -> set[str]:
    """Return the options that the command's help lists."""
    program = ROOT / "python_package" / "run" / command
    if command == CHANNEL:
        argv: list[str | Path] = [sys.executable, "-m", command]
    else:
        argv = [program] if program.exists() else [Path(sys.executable).with_name(command)]
    said = subprocess.run([*argv, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    listed = re.findall(r"^  (-.*?)(?:  |$)", said, re.MULTILINE)
    return {option for line in listed for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line)}


def _shown(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command in a block of code, and its options; lines of the engines' files are run as they are."""
    text = re.sub(r"(?s)<!-- lines: .*?```.*?```", "", text)
    for line in re.findall(r"^ {4,}(?:\$ )?(.*)", text, re.MULTILINE):
        for command in COMMANDS:
            found = re.match(rf"(?:.*[ /|])?{command} (?!.*: )(.*)", line)
            if found and not line.startswith(f"{command}: "):
                words = shlex.split(re.sub(r"\s#.*", "", found[1]))
                words = words[: words.index("--")] if "--" in words else words
                yield command, [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]


@cache
def _anchors(page: Path) -> set[str]:
    """Return the names of a page's headings as the documentation's builder makes them."""
    text = page.read_text()
    titles = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    for manual in re.findall(r"<!-- man: ([\w.]+) -->", text):
        roff = (ROOT / "python_package" / "man" / manual).read_text()
        titles += re.findall(r"^\.S[HS] (.*)", roff, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
