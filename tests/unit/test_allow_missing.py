"""An import that fails only for want of a library that the workers have is a note; any other failure stays one."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest
from compiled import library, linked
from notes import Notes

from python_package.create.checked_imports import Imports
from python_package.create.import_check import Check, ImportCheck
from python_package.errors import BrokenModuleError

CUDA = "libcuda.so.1"
MODULES = {
    "loads": "import ctypes\nctypes.CDLL('libcuda.so.1')\n",
    "loads_other": "import ctypes\nctypes.CDLL('libother.so.5')\n",
    "caused": "try:\n    import linked\nexcept ImportError as error:\n    raise RuntimeError('no GPU') from error\n",
    "instead": "try:\n    import linked\nexcept ImportError:\n    raise RuntimeError('no GPU')\n",
    "hushed": "try:\n    import linked\nexcept ImportError:\n    raise RuntimeError('no GPU') from None\n",
    "falls_back": "try:\n    import linked\nexcept ImportError:\n    import absent\n",
    "falls_on": "try:\n    import linked\nexcept ImportError:\n    import loads_other\n",
    "both": "raise ImportError(', '.join(f'{n}: cannot open shared object file' for n in ('libcuda.so.1', 'lib.so')))",
    "copes": "try:\n    import linked\nexcept ImportError:\n    pass\n",
    "pack/__init__": "import linked\n",
    "pack/inner": "",
    "wrong": "1 / 0\n",
}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with modules that need libcuda.so.1, which this machine lacks, in every way."""
    where = tmp_path_factory.mktemp("allow")
    stub = library(where / "stubs" / CUDA)
    venv.create(where / "env", symlinks=True)
    (where / "env/conda-meta").mkdir()
    site = where / "env/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    linked(site / "linked.so", stub, source="void *PyInit_linked(void) { return 0; }")
    for name, text in MODULES.items():
        (site / f"{name}.py").parent.mkdir(exist_ok=True)
        (site / f"{name}.py").write_text(text)
    return where / "env"


@pytest.mark.parametrize("wanted", ["linked", "loads", "caused", "instead", "pack", "linked:name"])
def test_check__only_an_allowed_library_is_missing__is_excused(prefix: Path, wanted: str) -> None:
    with Check(prefix, [wanted, "copes"], allowed=[CUDA]) as checking:
        checking.finish()
    assert checking.excused.keys() == {wanted}
    assert f"{CUDA}: cannot open shared object file" in checking.excused[wanted]


@pytest.mark.parametrize("allowed", [(), ("libcuda.so",), ("libother.so.5", "cuda")])
def test_check__no_such_exception__says_how_to_make_it(prefix: Path, allowed: tuple[str, ...]) -> None:
    with Check(prefix, ["linked"], allowed=allowed) as checking, pytest.raises(BrokenModuleError) as caught:
        checking.finish()
    assert f"linked (ImportError: {CUDA}: cannot open shared object file: " in str(caught.value)
    assert f"where the workers have what this machine lacks: --allow-missing {CUDA}" in str(caught.value)
    assert "--map" not in str(caught.value)


@pytest.mark.parametrize("wanted", ["loads_other", "hushed", "falls_back", "falls_on", "both", "wrong", "nowhere"])
def test_check__anything_else_is_wrong_too__stays_an_error(prefix: Path, wanted: str) -> None:
    with Check(prefix, ["linked", wanted], allowed=[CUDA]) as checking, pytest.raises(BrokenModuleError) as caught:
        checking.finish()
    assert f"in the environment: {wanted} (" in str(caught.value)
    assert checking.excused.keys() == {"linked"}


def test_check__below_a_module_that_is_excused__is_not_named(prefix: Path) -> None:
    with Check(prefix, ["pack", "pack.inner", "pack.inner:name"], allowed=[CUDA]) as checking:
        checking.finish()
    assert checking.excused.keys() == {"pack"}


def test_import_check__excused__is_noted_at_each_run(prefix: Path) -> None:
    wanted = Imports(("copes", "linked"), ("caused",))
    for _ in range(2):  # a check of which something is missing is not remembered
        notes = Notes()
        checking = ImportCheck(prefix, wanted, "content", [CUDA])
        with checking.running():
            checking.stop_if_broken()
            checking.finish("content", notes)
        assert notes.notes == [f"not imported, for want of {CUDA} on this machine: caused, linked"]
        assert checking.missed_libraries == {CUDA}
