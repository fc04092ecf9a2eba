"""How the output of each tool is read and judged, from outputs that they gave, and the tables made of the verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.compare import corpus, document, judge
from scripts.compare.__main__ import SHORT
from scripts.compare.corpus import Case
from scripts.compare.document import table
from scripts.compare.judge import NOT_SAID, PASS, Answer, Row

NO_NETWORK = "http://127.0.0.1:9"
PIGAR = "\x1b[32m\nGenerated requirements are as follows:\x1b[39m\na1\ngoogle-cloud-storage\nPyYAML\n"
PIGAR_DUPLICATES = (
    "Generated requirements are as follows:\n\n# WARNING(pigar): some manual fixes might be required as pigar has "
    "detected duplicate requirements\nbasemap\nmatplotlib-aipy\n"
)
PIPREQS = "opencv_python\nscikit_learn==1.5.0\n\n"
DEBIAN = json.dumps(
    {
        "channels": ["conda-forge"],
        "dependencies": ["numpy=1.0=0", "pip=24=0", "python=3.11.7=0", {"pip": ["tqdm==4.1"]}],
        "name": "env",
    }
)
DEPTRY = json.dumps(
    [
        {"error": {"code": "DEP001", "message": "'cv2' imported but missing"}, "module": "cv2"},
        {"error": {"code": "DEP003", "message": "'yaml' is a transitive dependency"}, "module": "yaml"},
        {"error": {"code": "DEP002", "message": "'pytest' defined but not used"}, "module": "pytest"},
    ]
)
FAWLTYDEPS = {
    "undeclared_deps": [
        {"name": "cv2", "references": [{"path": "main.py", "lineno": 1}], "candidates": ["opencv-python"]},
        {"name": "nobody", "references": [{"path": "main.py", "lineno": 2}], "candidates": []},
    ]
}
EXPLAINED = """\
python 3.11.7
antigravity  required     comes with python
    imported at main.py:1
cv2          conditional  opencv-python-headless (in channels py-opencv)
    imported at main.py:2
    the script's own metadata depends on it
reqeusts     required     refused
    no package is known to provide it; is it a slip for requests? Else choose with --map
    reqeusts=PACKAGE
ujson        optional     ujson
pyarrow      by name      pyarrow>=3
helper       local        helper.py
"""


def case(**imports: str) -> Case:
    return Case("name", modules=tuple(imports), providers=imports)


def answer(*imports: str, packages: tuple[str, ...] | None = None, text: str = "", status: int = 0) -> Answer:
    return Answer(frozenset(imports), None if packages is None else frozenset(packages), text, status)


def test_requirements__pigars_output_with_colours__names_distributions_only() -> None:
    read = judge.read_requirements(0, "", PIGAR)
    assert (read.imports, read.packages) == (None, {"a1", "google-cloud-storage", "PyYAML"})


def test_requirements__pigars_warnings__are_no_names() -> None:
    assert judge.read_requirements(0, "", PIGAR_DUPLICATES).packages == {"basemap", "matplotlib-aipy"}


def test_requirements__pipreqs_with_a_version__is_the_name() -> None:
    assert judge.read_requirements(0, "", PIPREQS).packages == {"opencv_python", "scikit_learn"}


def test_debian__environment_with_pips_packages__both_kinds_without_python_and_pip() -> None:
    assert judge.read_debian(0, "", DEBIAN).packages == {"numpy", "tqdm"}


def test_debian__no_report__names_nothing_and_keeps_the_status() -> None:
    read = judge.read_debian(1, "Traceback", "")
    assert (read.packages, read.status, read.text) == (frozenset(), 1, "Traceback")


def test_deptry__report__what_is_not_declared_and_never_packages() -> None:
    read = judge.read_deptry(1, "Found 3 dependency issues.", DEPTRY)
    assert (read.imports, read.packages, read.status) == ({"cv2", "yaml"}, None, 0)


def test_deptry__no_report__is_a_failure() -> None:
    assert judge.read_deptry(1, "Traceback", "").status == 1


def test_fawltydeps__installed__the_candidates_are_packages() -> None:
    read = judge.read_fawltydeps(3, "", json.dumps(FAWLTYDEPS))
    assert (read.imports, read.packages, read.status) == ({"cv2", "nobody"}, {"opencv-python"}, 0)


def test_fawltydeps__nothing_installed__says_nothing_of_packages() -> None:
    report = {"undeclared_deps": [{"name": "cv2", "references": [], "candidates": []}]}
    assert judge.read_fawltydeps(3, "", json.dumps(report)).packages is None


def test_fawltydeps__message_in_place_of_a_report__names_nothing() -> None:
    read = judge.read_fawltydeps(2, "Error: no such file", "")
    assert (read.imports, read.status) == (frozenset(), 2)


def test_ours__explanation__names_modules_and_what_they_become() -> None:
    read = judge.read_ours(0, "", EXPLAINED)
    assert read.imports == {"antigravity", "cv2", "reqeusts", "ujson"}
    assert read.packages == {"opencv-python-headless", "pyarrow", "ujson"}
    assert "reqeusts" in read.text


def test_ours__not_python__names_nothing_and_keeps_the_status() -> None:
    read = judge.read_ours(3, "main.py:1: not valid Python", "")
    assert (read.imports, read.packages, read.status) == (frozenset(), frozenset(), 3)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (("cv2", "google.cloud.storage"), PASS),
        (("cv2", "google"), PASS),
        (("cv2",), "fail (lacks 1)"),
        (("cv2", "google", "os"), "fail (adds 1)"),
        (("cv2", "os"), "fail (lacks 1, adds 1)"),
        ((), "fail (lacks 2)"),
        (tuple(f"stranger{number}" for number in range(21)), "fail (adds many)"),
    ],
)
def test_imports__names__are_compared_by_their_top_level(said: tuple[str, ...], verdict: str) -> None:
    wanted = case(**{"cv2": "opencv-python", "google.cloud.storage": "google-cloud-storage"})
    assert judge.imports(wanted, answer(*said)) == verdict


def test_imports__tool_that_names_only_packages__is_judged_by_those() -> None:
    assert judge.imports(case(cv2="opencv-python"), Answer(None, frozenset({"opencv_python"}))) == PASS


def test_imports__optional_ones__may_be_named_or_not() -> None:
    wanted = Case("name", modules=("numpy", "ujson"), optional=("ujson",))
    assert judge.imports(wanted, answer("numpy")) == judge.imports(wanted, answer("numpy", "ujson")) == PASS


def test_imports__error_and_nothing_named__stops() -> None:
    assert judge.imports(case(a="a"), answer(status=1)) == "fail (stops)"


def test_imports__refusal_is_right_too__only_if_it_names_the_file() -> None:
    wanted = Case("name", modules=("numpy",), refuses="a NUL byte")
    assert judge.imports(wanted, answer(text="main.py:3: a NUL byte", status=3)) == PASS
    assert judge.imports(wanted, answer(text="ValueError", status=1)) == "fail (stops)"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (("Opencv_Python",), PASS),
        (("opencv-python-headless",), PASS),
        (("cv2",), "fail (lacks 1, adds 1)"),
        (None, NOT_SAID),
    ],
)
def test_packages__names__are_compared_as_pypi_does(said: tuple[str, ...] | None, verdict: str) -> None:
    wanted = case(cv2="opencv-python|opencv-python-headless")
    assert judge.packages(wanted, answer("cv2", packages=said)) == verdict


def test_packages__import_of_nobodys_project__must_be_refused_aloud() -> None:
    wanted = case(reqeusts="")
    assert judge.packages(wanted, answer(packages=(), text="reqeusts: no package is known", status=4)) == PASS
    assert judge.packages(wanted, answer(packages=())) == "fail (says nothing)"
    assert judge.packages(wanted, answer(packages=("reqeusts",))) == "fail (adds 1)"


def test_packages__wanted_besides__are_needed() -> None:
    wanted = Case("name", modules=("pandas",), packages=("pandas>=2", "pyarrow"))
    assert judge.packages(wanted, answer("pandas", packages=("pandas",))) == "fail (lacks 1)"


def test_best__several_ways__a_pass_before_all() -> None:
    assert judge.best(["fail (lacks 1)", PASS, NOT_SAID]) == PASS
    assert judge.best(["fail (lacks 1, adds 1)", "fail (stops)"]) == "fail (stops)"


def test_table__rows__keep_their_order_and_are_summed_without_what_is_not_said() -> None:
    rows = [
        Row("one", "`a | b`", {"ours": PASS, "other": "fail (stops)"}),
        Row("two", "what", {"ours": PASS, "other": NOT_SAID}),
    ]
    assert table(rows, ["ours", "other"], {"ours": "Ours", "other": "Other"}) == [
        "| case | what | Ours | Other |",
        "| --- | --- | --- | --- |",
        "| `one` | `a \\| b` | pass | fail (stops) |",
        f"| `two` | what | pass | {NOT_SAID} |",
        "| **passed** |  | **2 of 2** | **0 of 1** |",
    ]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("modules: numpy\noptional: numpy", ({}, {"numpy": "numpy"}, {"numpy": ("numpy",)})),
        ("modules: a\nmay list: b", ({"a": "a"}, {"b": "b"}, {"a": ("a",), "b": ("b",)})),
        ("modules: antigravity", ({}, {"antigravity": "antigravity"}, {})),
        ("modules: a\npackage: a.b from A-B", ({"a.b": "A-B"}, {}, {"A-B": ("a.b",)})),
        ("modules: a\nalso installed: c from C", ({"a": "a"}, {}, {"a": ("a",), "C": ("c",)})),
        ("modules: a\nnot installed: a", ({"a": "a"}, {}, {})),
    ],
)
def test_read__header__says_what_is_needed_allowed_and_installed(
    head: str, expected: tuple[dict[str, str], dict[str, str], dict[str, tuple[str, ...]]]
) -> None:
    found = corpus.read("name", f"# About.\n{head}\n-- main.py --\n")
    assert (found.needed, found.allowed, found.installed) == expected


def test_read__escaped_file__gives_bytes_that_are_no_text() -> None:
    text = "modules: a\n-- main.py (escaped) --\na\\x00\\xff\\\\\\\nb\\r\\\n-- plain --\n\\x00\n-- empty --\n"
    assert corpus.read("name", text).files == {"main.py": b"a\x00\xff\\b\r", "plain": b"\\x00\n", "empty": b""}


@pytest.mark.parametrize("head", ["module: a", "modules: a\nmodules: b", ""])
def test_read__malformed_header__is_refused(head: str) -> None:
    with pytest.raises(ValueError, match="name"):
        corpus.read("name", f"{head}\n-- main.py --\n")


def test_compared__all_cases__have_unique_names_and_their_scripts(tmp_path: Path) -> None:
    found = corpus.compared()
    assert len({each.name for each in found}) == len(found) > 100
    for number, each in enumerate(found):
        assert each.lay_out(tmp_path / str(number)).exists(), each.name


def test_document__every_case__has_a_row() -> None:
    text = (corpus.ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    assert [each.name for each in corpus.compared() if f"| `{each.name}` |" not in text] == []


def test_render__verdicts__are_the_tables_of_the_document() -> None:
    one = document.Asked(case(cv2="opencv-python"), *(dict.fromkeys(document.TITLES, PASS) for _ in range(2)))
    row = Row("run:x", "a question", dict.fromkeys(document.TITLES, "fail"))
    text = document.render([one], [one], [row], "9.9")
    assert "coop-computing-tools 9.9" in text
    assert text.count("| `name` |") == 3
    assert "| `run:x` | a question | fail | fail | fail |" in text


@pytest.mark.slow
def test_main__short_form__runs_our_tool_without_a_network(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "scripts.compare", "--short"],
        cwd=corpus.ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "http_proxy": NO_NETWORK, "https_proxy": NO_NETWORK},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "notebook ours: imports pass, packages pass" in ran.stdout
    assert ran.stdout.count(": imports pass, packages pass\n") == len(SHORT)
