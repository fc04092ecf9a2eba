"""Files that say where a dependency comes from, and files of requirements as other programs write them."""

from __future__ import annotations

import codecs

from scripts.faults.injection import Try, fault, is_one_line
from scripts.faults.packages import write_wheel

_NAME = '[project]\nname = "job"\n'
_WHEEL = "lab/lablib-1.0-py3-none-any.whl"

# What says that lablib is the lab's own wheel. An index knows a project of that name, too: a stranger's.
_PLACED = (
    ("pyproject.toml", f'{_NAME}dependencies = ["lablib"]\n[tool.uv.sources]\nlablib = {{ path = "{_WHEEL}" }}\n'),
    (
        "pyproject.toml",
        f'{_NAME}dependencies = ["lablib"]\n[tool.uv.sources]\n'
        f'lablib = [{{ path = "{_WHEEL}", marker = "sys_platform == \'linux\'" }}]\n',
    ),
    (
        "pyproject.toml",
        f'{_NAME}dependencies = ["lablib"]\n[tool.poetry.dependencies]\nlablib = {{ path = "{_WHEEL}" }}\n',
    ),
    (
        "task.py",
        f'# /// script\n# dependencies = ["lablib"]\n# [tool.uv.sources]\n# lablib = {{ path = "{_WHEEL}" }}\n# ///\n'
        "import lablib\n",
    ),
)

# What says that lablib is of an index alone that does not have it.
_INDEXED = (
    f'{_NAME}dependencies = ["lablib"]\n[tool.uv.sources]\nlablib = {{ index = "lab" }}\n'
    '[[tool.uv.index]]\nname = "lab"\nurl = "empty"\nexplicit = true\n',
    f'{_NAME}dependencies = ["lablib"]\n[tool.poetry.dependencies]\nlablib = {{ source = "lab" }}\n'
    '[[tool.poetry.source]]\nname = "lab"\nurl = "file:///nowhere/at/all"\npriority = "explicit"\n',
    f'{_NAME}dependencies = ["lablib"]\n[tool.uv.sources]\nlablib = {{ workspace = true }}\n',
    f'{_NAME}dependencies = ["lablib"]\n[tool.uv.sources]\nlablib = {{ path = "gone" }}\n',
)

# Tables that hold all that is needed.
_TABLES = (
    '[tool.pixi.workspace]\nchannels = ["x"]\n[tool.pixi.pypi-dependencies]\nlablib = "*"\n',
    '[tool.pixi.target.linux-64.pypi-dependencies]\nlablib = "*"\n',
    '[tool.poetry.dependencies]\npython = ">=3.7"\nlablib = "*"\n',
)

_LINE = "lablib==1.0\r\n"
_ENCODED = (
    codecs.BOM_UTF16_LE + _LINE.encode("utf-16-le"),
    codecs.BOM_UTF16_BE + _LINE.encode("utf-16-be"),
    codecs.BOM_UTF32_LE + _LINE.encode("utf-32-le"),
    "# coding: latin-1\n# caf\u00e9\n".encode("latin-1") + _LINE.encode(),
)

_FREEZES = (
    ("/tmp/build/0123abcd/six_0000000000000/work", "/croot/idna_0000000000000/work"),
    ("/home/conda/feedstock_root/build_artifacts/six_0000000000/work", "/C:/ci/idna_00000000000/work"),
)


@fault(
    "5",
    "a file names the folder or wheel of a dependency, and an index has a stranger's of that name",
    tries=len(_PLACED),
)
def placed(attempt: Try) -> bool:
    """Ask what would be made: the lab's own, and not the stranger's."""
    _lab(attempt)
    name, text = _PLACED[attempt.index]
    (attempt.folder / name).write_text(text)
    if name == "task.py":
        attempt.run(attempt.commands.analyze, name, "deps.json")
        name = "deps.json"
    rows = _asked(attempt, name)[1]
    return bool(rows) and all(row.split()[2] == "local" for row in rows)


@fault(
    "5",
    "a file names a place that lacks the dependency, and an index has a stranger's of that name",
    tries=len(_INDEXED),
)
def refused(attempt: Try) -> bool:
    """Ask what would be made: nothing."""
    _lab(attempt)
    (attempt.folder / "empty").mkdir()
    (attempt.folder / "pyproject.toml").write_text(_INDEXED[attempt.index])
    code, rows = _asked(attempt, "pyproject.toml")
    return code in (3, 4, 5) and not rows


@fault("5", "all that a project needs stands in the tables of its tool", tries=len(_TABLES))
def tables(attempt: Try) -> bool:
    """Ask what would be made: what the tables name."""
    _lab(attempt)
    (attempt.folder / "pyproject.toml").write_text(_NAME + _TABLES[attempt.index])
    return len(_asked(attempt, "pyproject.toml")[1]) == 1


@fault("20", "requirements in another encoding, as PowerShell or an old editor writes them", tries=len(_ENCODED))
def encoded(attempt: Try) -> bool:
    """Ask what would be made: what the file names."""
    _lab(attempt)
    (attempt.folder / "requirements.txt").write_bytes(_ENCODED[attempt.index])
    return len(_asked(attempt, "requirements.txt")[1]) == 1


@fault("20", "pip freeze in a Conda environment: lines with the folders of Conda's builds", tries=len(_FREEZES))
def frozen(attempt: Try) -> bool:
    """See one line that names every such line and the command that helps."""
    six, idna = _FREEZES[attempt.index]
    (attempt.folder / "requirements.txt").write_text(f"six @ file://{six}\nidna @ file://{idna}\n")
    done = attempt.run(attempt.commands.create, "-q", "-c", attempt.supplies.channel, "requirements.txt", "env")
    said = ("six (line 1)", "idna (line 2)", "pip list --format=freeze")
    return done.returncode == 3 and is_one_line(done.stderr) and all(word in done.stderr for word in said)


def _lab(attempt: Try) -> None:
    """Write the lab's wheel into lab, and a stranger's of the same name into an index."""
    for folder in ("lab", "index"):
        (attempt.folder / folder).mkdir()
        write_wheel(attempt.folder / folder, "lablib", {"lablib.py": f"WHOSE = {folder!r}\n"})


def _asked(attempt: Try, name: str) -> tuple[int, list[str]]:
    """Return the exit code of a dry run, and what it says of lablib."""
    argv = (attempt.commands.create, "-q", "--dry-run", "-c", attempt.supplies.channel, name, "env")
    done = attempt.run(*argv, PIP_FIND_LINKS=str(attempt.folder / "index"))
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("lablib ")]
