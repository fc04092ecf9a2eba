"""Every module imports inside the prefix, or nothing is shipped."""

from __future__ import annotations

import json
import os
import sys
import venv
from pathlib import Path

import pytest

from python_package.create import import_check
from python_package.create.verdict import Verdict
from python_package.errors import BrokenModuleError
from python_package.import_names.package import Package


def check(prefix: Path, modules: list[str], chosen: dict[str, Package] | None = None) -> None:
    with import_check.Check(prefix, modules, chosen) as checking:
        checking.finish()


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with modules that fail in every way an import can."""
    where = tmp_path_factory.mktemp("check") / "a prefix"
    venv.create(where, symlinks=True)
    site = where / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (site / "good.py").write_text("print('noise')\n")
    (site / "needs_missing.py").write_text("import nowhere_to_be_found\n")
    (site / "exits.py").write_text("raise SystemExit(3)\n")
    (site / "crashes.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    (site / "hangs.py").write_text("import time\ntime.sleep(60)\n")
    (site / "unless_first.py").write_text("import sys\nassert 'good' not in sys.modules, 'cannot follow good'\n")
    pack = site / "pack"
    pack.mkdir()
    (pack / "__init__.py").write_text(
        "import sys, types\nhere = 1\nsys.modules['pack.made'] = types.ModuleType('pack.made')\n"
        "def __getattr__(name):\n    if name == 'lazy':\n        return 1\n    raise AttributeError(name)\n"
    )
    (pack / "inner.py").write_text("class Known: pass\n")
    (pack / "crash.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    info = site / "Pack_dist-0.12.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Pack-dist\nVersion: 0.12.3\n")
    (info / "RECORD").write_text("pack/__init__.py,,\npack/inner.py,,\npack/crash.py,,\n")
    shared = site / "acme" / "part"
    shared.mkdir(parents=True)
    (shared / "__init__.py").write_text("")
    (shared / "inside.py").write_text("")
    (site / "acme_tool.py").write_text("")
    info = site / "acme_part-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme_part\nVersion: 1.0\n")
    (info / "RECORD").write_text("acme/part/__init__.py,,\nacme/part/inside.py,,\nacme_tool.py,,\nacme/data.txt,,\n")
    meta = where / "conda-meta"
    meta.mkdir()
    files = [f"lib/python3/site-packages/{name}" for name in ("lsst/sphgeom/__init__.py", "lsst/version.py")]
    (meta / "lsst-sphgeom-30-0.json").write_text(json.dumps({"name": "lsst-sphgeom", "files": [*files, "bin/x"]}))
    (site / "needs_activation.py").write_text("import os\nos.environ['SET_BY_ACTIVATION']\n")
    activate = where / "etc" / "conda" / "activate.d"
    activate.mkdir(parents=True)
    (activate / "it.sh").write_text('[ -d "$CONDA_PREFIX/bin" ] && export SET_BY_ACTIVATION=1\n')
    return where


def test_check__all_import__returns(prefix: Path) -> None:
    check(prefix, ["good", "json", "needs_activation"])


@pytest.mark.parametrize(
    "wanted",
    ["pack.inner", "pack.made", "pack:here", "pack:inner", "pack:lazy", "pack:made", "pack.inner:Known", "os:path"],
)
def test_check__what_is_there_when_it_runs__passes(prefix: Path, wanted: str) -> None:
    check(prefix, ["pack", wanted])


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (
            "pack.contrib.cache",
            "pack.contrib.cache (ModuleNotFoundError: No module named 'pack.contrib'; Pack-dist 0.12.3 ",
        ),
        ("pack.contrib:Cache", "from pack.contrib import Cache (ModuleNotFoundError: No module named 'pack.contrib'; "),
        ("pack:Gone", "from pack import Gone (ImportError: cannot import name 'Gone' from 'pack' "),
        ("pack.inner:Gone", "from pack.inner import Gone (ImportError: cannot import name 'Gone' from 'pack.inner' "),
        ("pack.crash", "pack.crash (the interpreter was killed by SIGSEGV; Pack-dist 0.12.3 is installed)"),
    ],
)
def test_check__not_in_the_version_that_is_installed__says_which_and_how_to_mend_it(
    prefix: Path, wanted: str, says: str
) -> None:
    with pytest.raises(BrokenModuleError) as caught:
        check(prefix, ["pack", wanted, "pack:here"])
    assert f"does not import in the environment: {says}" in str(caught.value)
    assert "where another version has it, ask for that: --map 'pack=Pack-dist<0.12'" in str(caught.value)


def test_check__module_fails__what_is_below_it_is_not_named(prefix: Path) -> None:
    with pytest.raises(BrokenModuleError) as caught:
        check(prefix, ["absent", "pack", "absent.a", "absent.a:B", "pack.no", "pack.no:B"])
    assert "absent (" in str(caught.value)
    assert "pack.no (" in str(caught.value)
    assert "absent.a" not in str(caught.value)
    assert "import B" not in str(caught.value)


def test_check__one_of_thousands_crashes__the_rest_is_tried_without_it(prefix: Path) -> None:
    many = [f"string:{name}" for name in ("digits", "hexdigits")] * 20_000
    with pytest.raises(BrokenModuleError) as caught:
        check(prefix, ["crashes", *many, "pack:gone"])
    assert "crashes (" in str(caught.value)
    assert "from pack import gone (" in str(caught.value)


def test_check__no_modules__passes(tmp_path: Path) -> None:
    check(tmp_path / "no prefix at all", [])


def test_check__antigravity__opens_no_browser(prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "www-browser"
    browser.write_text(f"#!/bin/sh\ntouch {opened}\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    check(prefix, ["antigravity"])
    assert not opened.exists()


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("absent", "ModuleNotFoundError: No module named 'absent'"),
        ("needs_missing", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("exits", "SystemExit: 3"),
        ("crashes", "killed by SIGSEGV"),
    ],
)
def test_check__one_module_fails__names_it_and_why(prefix: Path, module: str, reason: str) -> None:
    with pytest.raises(BrokenModuleError) as caught:
        check(prefix, ["good", module, "json"])
    assert f"{module} (" in str(caught.value)
    assert reason in str(caught.value)
    assert "good (" not in str(caught.value)
    assert "json (" not in str(caught.value)


def test_check__several_fail__names_each(prefix: Path) -> None:
    with pytest.raises(BrokenModuleError, match=r"absent \(.*crashes \(.*exits \("):
        check(prefix, ["absent", "crashes", "exits", "good"])


def test_check__two_modules_clash_but_each_imports_alone__passes(prefix: Path) -> None:
    check(prefix, ["good", "unless_first"])


def test_check__module_hangs__is_named_after_the_time_limit(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_check, "SECONDS", 1)
    with pytest.raises(BrokenModuleError, match=r"hangs \(still importing after 1 s\)"):
        check(prefix, ["hangs"])


def test_check__submitters_pythonpath__does_not_hide_the_fault(
    prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "absent.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BrokenModuleError, match=r"absent \("):
        check(prefix, ["absent"])


def test_verdict__recorded__is_known_for_that_content_and_those_modules_only(tmp_path: Path) -> None:
    assert not Verdict("one", ["numpy"], tmp_path).known()
    Verdict("one", ["numpy"], tmp_path).record([])
    assert Verdict("one", ["numpy"], tmp_path).known()
    assert not Verdict("two", ["numpy"], tmp_path).known()
    assert not Verdict("one", ["numpy", "yaml"], tmp_path).known()


def test_verdict__cache_cannot_be_written__is_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    verdict = Verdict("one", ["numpy"], tmp_path / "file")
    verdict.record([])
    assert not verdict.known()


def test_check__imports__tells_which_libraries_of_the_machine_were_used(prefix: Path) -> None:
    with import_check.Check(prefix, ["json"]) as checking:
        assert checking.broken() == {}
        assert any("libc" in Path(path).name for path in checking.used)
        assert not any(path.startswith(f"{prefix}/") for path in checking.used)


@pytest.mark.parametrize("change", ["replaced", "removed", "edited"])
def test_verdict__library_that_it_stood_on_is_another__is_not_known(tmp_path: Path, change: str) -> None:
    library, verdict = tmp_path / "libc.so.6", Verdict("one", ["numpy"], tmp_path / "cache")
    library.write_text("one")
    verdict.record([str(library)])
    assert verdict.known()
    if change == "replaced":
        (tmp_path / "new").write_text("two")
        (tmp_path / "new").replace(library)
    elif change == "removed":
        library.unlink()
    else:
        library.write_text("one and more")
    assert not verdict.known()


@pytest.mark.parametrize("text", ["", "{", "[1]", "1", '{"/bin/sh": 1}'])
def test_verdict__file_that_is_no_verdict__is_not_known(tmp_path: Path, text: str) -> None:
    verdict = Verdict("one", ["numpy"], tmp_path)
    verdict._file.write_text(text)
    assert not verdict.known()


def test_verdict__not_used_for_long__is_removed(tmp_path: Path) -> None:
    old, used = (Verdict(content, ["numpy"], tmp_path) for content in ("old", "used"))
    for verdict in (old, used):
        verdict.record([])
        os.utime(verdict._file, (0, 0))
    assert used.known()
    Verdict("new", ["numpy"], tmp_path).record([])
    assert used.known()
    assert not old.known()


@pytest.mark.parametrize(
    ("package", "says"),
    [
        (
            Package("acme.other", "acme-part", ("acme-part",), "", ""),
            "acme-part was installed for it and has acme.part, acme_tool: choose another with --map acme.other=PACKAGE",
        ),
        (
            Package("lsst.afw", "lsst-sphgeom", ("lsst-sphgeom",), "", ""),
            "lsst-sphgeom was installed for it and has lsst.sphgeom, lsst.version: choose another with "
            "--map lsst.afw=PACKAGE (lsst-alert-packet, ",
        ),
        (
            Package("lsst.afw", "", ("lsst-sphgeom",), "", ""),
            "lsst-sphgeom was installed for it and has lsst.sphgeom, lsst.version: choose another with ",
        ),
    ],
)
def test_check__what_was_installed_for_a_module_has_others__says_which_and_how_to_choose(
    prefix: Path, package: Package, says: str
) -> None:
    with pytest.raises(BrokenModuleError) as raised:
        check(prefix, ["acme.part", package.module], {package.module: package})
    assert f"{package.module} (ModuleNotFoundError: No module named" in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("module", "project"), [("needs_missing", "acme-part"), ("acme.other", "not-installed"), ("crashes", "acme-part")]
)
def test_check__module_is_there_or_its_package_is_not__tells_nothing_of_another(
    prefix: Path, module: str, project: str
) -> None:
    with pytest.raises(BrokenModuleError) as raised:
        check(prefix, [module], {module: Package(module, project, (project,), "", "")})
    assert "--map" not in str(raised.value)


def test_check__another_package_has_the_module__passes(prefix: Path) -> None:
    check(prefix, ["acme.part"], {"acme.part": Package("acme.part", "pack-dist", ("pack-dist",), "", "")})
