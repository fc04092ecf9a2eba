"""python_package_create as a person runs it: a real channel, a real index, a real tarball; every exit code caused."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import COMMAND, OURS, PYTHON, Desk, one_line
from leftovers import left
from wheels import write_wheel

from python_package.host_python import channel as host_channel


@pytest.fixture
def made(desk: Desk) -> Desk:
    """Return a desk on which `env` exists, so that what a failure leaves can be seen."""
    assert desk.create().returncode == 0
    return desk


@pytest.fixture
def dead_channel() -> Iterator[str]:
    """Return a channel whose port refuses every connection."""
    with socket.socket() as held:  # bound but not listening
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/channel"


# success


def test_create__channel_and_pypi__makes_environment_and_tarball(desk: Desk) -> None:
    done = desk.create(modules=("antigravity", "idna", "numpy", "onlypypi"))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    prefix = desk.envs / "env"
    show = "import idna, numpy, onlypypi, sys; print(sys.version.split()[0], onlypypi.ANSWER, sys.prefix)"
    printed = subprocess.check_output([prefix / "bin" / "python", "-c", show], text=True)
    assert printed.split() == [PYTHON, "42", str(prefix)]
    assert {path.name.split("-")[0] for path in (prefix / "conda-meta").glob("*.json")} >= {"python", "numpy", "idna"}
    history = (prefix / "conda-meta" / "history").read_text()
    assert f'# update specs: ["python =={PYTHON}", "idna", "numpy"]' in history
    assert (desk.home / ".conda" / "environments.txt").read_text().splitlines() == [str(prefix)]
    with tarfile.open(desk.cwd / "env.tar.gz") as archive:
        assert {"bin/python", "bin/activate", "bin/conda-unpack"} <= set(archive.getnames())
    assert sorted(path.name for path in desk.cwd.iterdir()) == ["deps.json", "env.tar.gz"]
    assert left(desk.envs) == ["env"]


def test_create__no_links__the_tarball_has_none_and_the_environment_keeps_its_own(desk: Desk) -> None:
    done = desk.create("--no-links", modules=("idna",))

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    with tarfile.open(desk.cwd / "env.tar.gz") as archive:
        assert {entry.type for entry in archive} <= {tarfile.REGTYPE, tarfile.DIRTYPE}
    assert (desk.envs / "env/bin/python").is_symlink()


def test_create__environment__mentions_its_staging_place_nowhere(desk: Desk) -> None:
    assert desk.create(modules=("idna", "numpy", "onlypypi")).returncode == 0
    staging = os.fsencode(desk.envs / ".env.new")
    assert [name for name, content in desk.state().items() if staging in content] == []
    tool = subprocess.run([desk.envs / "env" / "bin" / "onlypypi-tool"])
    assert tool.returncode == (42).bit_length()


def test_create__compiled_on_this_machine__says_what_a_worker_must_have(desk: Desk) -> None:
    extension = importlib.util.find_spec("_bz2")
    assert extension and extension.origin
    files: dict[str, str | bytes] = {
        "compiledhere/__init__.py": "",
        "compiledhere/_bz2.so": Path(extension.origin).read_bytes(),
    }
    tag = f"py3-none-linux_{os.uname().machine}"
    write_wheel(Path(desk.environ["PIP_FIND_LINKS"]), "compiledhere", files, tag=tag)
    done = desk.create("--map=compiledhere=compiledhere", modules=("compiledhere",))
    assert done.returncode == 0, done.stderr
    assert "note: compiledhere: compiled on this machine; a worker, too, must have libbz2.so.1.0" in done.stderr


def test_create__tarball__runs_elsewhere_by_the_wrapper(desk: Desk, tmp_path: Path) -> None:
    assert desk.create(modules=("numpy", "onlypypi")).returncode == 0
    worker = tmp_path / "worker"
    worker.mkdir()
    (desk.cwd / "env.tar.gz").rename(worker / "env.tar.gz")
    (desk.envs / "env").rename(tmp_path / "out of reach")
    wrapper = Path(__file__).parents[2] / "python_package" / "run" / "python_package_run"
    task = "python3 -c 'import numpy, onlypypi; print(numpy.arange(3).sum() + onlypypi.ANSWER)' | cat && onlypypi-tool"
    done = subprocess.run(
        [wrapper, "env", task],
        cwd=worker,
        env={"PATH": "/usr/bin:/bin", "HOME": str(worker)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("45\n", "", (42).bit_length())


def test_create__name_ends_in_tar_gz__is_the_tarballs_path_and_no_environment_stays(desk: Desk, tmp_path: Path) -> None:
    """Parsl's is a temporary file, `.tmpXXXX.tar.gz`, another one each time."""
    out = tmp_path / "out"
    out.mkdir()
    named = desk.run("-c", str(desk.channel), desk.spec(), "packed")
    assert named.returncode == 0, named.stderr
    environment = (desk.envs / "packed").stat()
    listed = (desk.home / ".conda" / "environments.txt").read_text()

    for name in (".tmpk3v9", "packed", "base", "my env"):
        extra = ["--sbom", str(out / f"{name}.json")]
        done = desk.run("-q", "-c", str(desk.channel), *extra, desk.spec(), str(out / f"{name}.tar.gz"))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        # It is what the environment with a name gives, byte for byte.
        assert (out / f"{name}.tar.gz").read_bytes() == (desk.cwd / "packed.tar.gz").read_bytes()
        assert json.loads((out / f"{name}.json").read_text())["metadata"]["component"]["name"] == name

    assert names_in(out) == sorted(
        f"{name}.{end}" for name in (".tmpk3v9", "packed", "base", "my env") for end in ("json", "tar.gz")
    )
    wait_until_removed(desk.envs, keeping=["packed"])
    assert (desk.envs / "packed").stat().st_ino == environment.st_ino
    assert (desk.home / ".conda" / "environments.txt").read_text() == listed


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def wait_until_removed(envs: Path, keeping: list[str]) -> None:
    """Wait for the process that removes what was moved away."""
    end = time.monotonic() + 60
    while names_in(envs) != keeping:
        assert time.monotonic() < end, names_in(envs)
        time.sleep(0.1)


def test_create__tarball_alone_that_fails__leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    done = desk.run("-c", str(desk.channel), *OURS, desk.spec("broken"), str(tmp_path / ".tmpk3v9.tar.gz"))

    assert done.returncode == 6
    assert "broken" in one_line(done.stderr)
    assert list(tmp_path.glob(".tmp*")) == []
    assert names_in(desk.envs) == []


@pytest.mark.parametrize("name", [".tar.gz", "out/.tar.gz"])
def test_create__tarball_without_a_name__exits_1(desk: Desk, name: str) -> None:
    done = desk.run(desk.spec(), name)

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert name in done.stderr


def test_create__all_folders_named_from_the_working_directory__are_found_from_it(desk: Desk) -> None:
    (desk.cwd / "channel").symlink_to(desk.channel)
    (desk.cwd / "wheels").symlink_to(desk.environ["PIP_FIND_LINKS"])
    (desk.cwd / "tmp").mkdir()
    relative = {"RATTLER_CACHE_DIR": "rattler", "UV_CACHE_DIR": "uv", "CONDA_ENVS_PATH": "envs"}
    relative |= {"TMPDIR": "tmp", "PIP_FIND_LINKS": "wheels"}
    spec = desk.spec("idna", "onlypypi")
    words = ("-q", "-c", "./channel", *OURS, "--lock", "env.lock", "--sbom", "env.json", spec, "env")
    made = desk.run(*words, **relative)
    assert (made.returncode, made.stderr) == (0, "")
    again = desk.run("-q", "--locked", "env.lock", "again", **relative)
    assert (again.returncode, again.stderr) == (0, "")
    assert (desk.cwd / "env.tar.gz").read_bytes() == (desk.cwd / "again.tar.gz").read_bytes()


def test_create__spec_on_stdin_quiet__says_nothing(desk: Desk) -> None:
    spec = (desk.cwd / desk.spec()).read_text()
    done = subprocess.run(
        [COMMAND, "-q", "-c", desk.channel, "-", "env"],
        cwd=desk.cwd,
        env=desk.environ,
        input=spec,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_create__no_channel_answers_but_the_host_has_the_version__uses_it_and_says_so(
    desk: Desk, dead_channel: str
) -> None:
    done = desk.run("-c", dead_channel, *OURS, desk.spec("onlypypi"), "env")
    assert done.returncode == 0, done.stderr
    assert f"note: no answer from the channel {dead_channel}" in done.stderr
    assert "using this machine's own python3" in done.stderr
    assert (desk.envs / "env" / "bin" / "python").exists()


def test_create__patch_release_that_no_channel_has__takes_the_nearest_later_and_says_so(desk: Desk) -> None:
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]}.0"
    done = desk.run("-c", str(desk.channel), desk.spec(python=wanted), "env")
    assert done.returncode == 0, done.stderr
    assert f"note: python {wanted} is in no channel of {desk.channel}; taking {PYTHON}" in done.stderr
    assert f'"python =={PYTHON}"' in (desk.envs / "env" / "conda-meta" / "history").read_text()


def test_create__pins_and_optional_modules__are_honoured_and_what_is_left_out_is_said(desk: Desk) -> None:
    pin = {"package": "onlypypi", "version": "0.9", "source": "pypi"}
    modules = ("clashing", "idna", "nowhere", "onlypypi")
    spec = desk.spec(*modules, pins={"onlypypi": pin}, optional=["clashing", "nowhere"])
    done = desk.run("-c", str(desk.channel), *OURS, spec, "env")
    assert done.returncode == 0, done.stderr
    assert "note: onlypypi: its package onlypypi==0.9 is in no channel of" in done.stderr
    assert "note: clashing: optional, and left out: cannot install clashing from PyPI" in done.stderr
    assert "note: nowhere: optional, and left out: cannot install nowhere from PyPI" in done.stderr
    prefix = desk.envs / "env"
    site = prefix / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    assert (site / "onlypypi.py").read_text() == "ANSWER = 41\n"
    assert (site / "idna").is_dir()
    assert not (site / "clashing.py").exists()


def test_create__packages_by_name__come_with_extras_and_from_where_they_say(desk: Desk) -> None:
    spec = desk.spec(packages=["pypi:idna==0.0.1", "withextra[more]", "conda:numpy"], channels=[str(desk.channel)])
    done = desk.run(spec, "env")
    assert done.returncode == 0, done.stderr
    prefix = desk.envs / "env"
    site = prefix / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    assert {path.name for path in site.glob("*.dist-info")} >= {
        "idna-0.0.1.dist-info",
        "onlypypi-0.9.dist-info",
        "withextra-1.0.dist-info",
    }
    linked = {path.name.split("-")[0] for path in (prefix / "conda-meta").glob("*.json")}
    assert ("numpy" in linked, "idna" in linked) == (True, False)


def test_create__extras_of_what_a_channel_has__are_added_and_it_stays(
    desk: Desk, tmp_path: Path, host_cache: Path
) -> None:
    wheel = write_wheel(
        tmp_path,
        "plain",
        {"plain.py": ""},
        requires=("onlypypi<1; extra == 'more'",),
        headers="Provides-Extra: more\n",
    )
    source = host_channel.build(tmp_path / "source", [str(wheel)], python=sys.executable, cache_dir=host_cache)
    done = desk.run("-c", str(source), *OURS, "--map=plain=plain", desk.spec("plain", packages=["plain[more]"]), "env")
    assert done.returncode == 0, done.stderr
    site = desk.envs / "env" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    assert (site / "onlypypi.py").read_text() == "ANSWER = 41\n"
    assert (site / "plain-1.0.dist-info" / "INSTALLER").read_text().strip() == "conda"


def test_create__optional_modules_unknown_or_broken__are_said_and_do_no_harm(desk: Desk) -> None:
    modules = ("broken", "idna", "nobody_knows_this_one")
    done = desk.run(
        "-c", str(desk.channel), *OURS, desk.spec(*modules, optional=["broken", "nobody_knows_this_one"]), "env"
    )
    assert done.returncode == 0, done.stderr
    assert "note: nobody_knows_this_one: optional, and left out: no package is known" in done.stderr
    assert (
        "note: optional, and does not import in the environment: "
        "broken (ModuleNotFoundError: No module named 'nowhere_to_be_found')\n" in done.stderr
    )


def test_create__again_with_other_modules__replaces_both(made: Desk) -> None:
    before = made.state()
    assert made.create(modules=("onlypypi",)).returncode == 0
    assert list((made.envs / "env").glob("lib/python3*/site-packages/onlypypi.py"))
    assert made.state()[str(made.cwd / "env.tar.gz")] != before[str(made.cwd / "env.tar.gz")]


def test_create__help__is_on_stdout(desk: Desk) -> None:
    done = desk.run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "environment-name" in done.stdout


# 1: invalid command format


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("deps.json",),
        ("deps.json", "env", "more"),
        ("--nonsense", "deps.json", "env"),
        ("--interpreter", "psychic", "deps.json", "env"),
        ("deps.json", ""),
        ("deps.json", "a/b"),
        ("deps.json", ".hidden"),
        ("deps.json", "a b"),
        ("deps.json", "base"),
        ("deps.json", "new\nline"),
        ("deps.json", "x" * 201),
        ("--", "deps.json", "-dash"),
    ],
)
def test_create__invalid_command__exits_1_with_one_line(desk: Desk, argv: tuple[str, ...]) -> None:
    desk.spec()
    done = desk.run(*argv)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    one_line(done.stderr)
    assert not desk.envs.exists()


# 2: no such dependency file


@pytest.mark.parametrize("path", ["absent.json", "."])
def test_create__dependency_file_cannot_be_read__exits_2(desk: Desk, path: str) -> None:
    done = desk.run(path, "env")
    assert done.returncode == 2
    assert one_line(done.stderr).startswith(f"python_package_create: {path}: ")


# 3: invalid content


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"{", "not JSON"), (b'{"python": "3.11.7"}', '"modules" is missing'), (b"\xff\xfa", "not UTF-8 at byte 0")],
)
def test_create__dependency_file_invalid__exits_3(desk: Desk, content: bytes, says: str) -> None:
    (desk.cwd / "deps.json").write_bytes(content)
    done = desk.run("deps.json", "env")
    assert done.returncode == 3
    assert says in one_line(done.stderr)


# 4: cannot be solved


def test_create__module_in_no_channel_and_no_index__exits_4(made: Desk) -> None:
    before = made.state()
    done = made.create("--interpreter", "channel", modules=("idna", "nowhere_to_be_found"))
    assert done.returncode == 4, done.stderr
    assert "nowhere" in one_line(done.stderr)
    assert made.state() == before


def test_create__python_version_that_no_channel_has__exits_4_and_offers_what_there_is(desk: Desk) -> None:
    done = desk.run("-c", str(desk.channel), desk.spec(python="3.11.99"), "env")
    assert done.returncode == 4
    assert "python 3.11.99 is in no channel" in one_line(done.stderr)
    assert PYTHON in one_line(done.stderr)


def test_create__patch_release_that_no_channel_has_but_exact__exits_4(desk: Desk) -> None:
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]}.0"
    done = desk.run("--exact", "-c", str(desk.channel), desk.spec(python=wanted), "env")
    assert done.returncode == 4
    assert f"python {wanted} is in no channel of {desk.channel}: they have {PYTHON}" in one_line(done.stderr)


def test_create__range_of_pythons__is_what_there_is_in_it_or_exits_4(desk: Desk) -> None:
    done = desk.run("-c", str(desk.channel), desk.spec("idna", python=">=3.9"), "env")
    assert done.returncode == 0, done.stderr
    assert f'"python =={PYTHON}"' in (desk.envs / "env" / "conda-meta" / "history").read_text()
    assert '"python": ">=3.9"' in (desk.envs / "env" / "conda-meta" / "python-package.lock").read_text()
    done = desk.run("-c", str(desk.channel), desk.spec("idna", python=">=3.99,<4"), "env")
    assert done.returncode == 4
    assert f"no python >=3.99,<4 is in any channel of {desk.channel}: they have {PYTHON}" in one_line(done.stderr)


def test_create__range_of_pythons_and_no_channel_answers__exits_5(desk: Desk, dead_channel: str) -> None:
    done = desk.run("-c", dead_channel, desk.spec("idna", python=">=3.99,<4"), "env")
    assert done.returncode == 5
    assert "cannot stand in: python >=3.99,<4 is not this machine's" in one_line(done.stderr)


def test_create__host_interpreter_of_a_version_that_another_on_path_has__is_that(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "python3.99"
    other.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.99.1 || exit 1\n')
    other.chmod(0o755)
    for python in ("3.99.1", ">=3.99"):
        path = f"{desk.environ['PATH']}:{tmp_path}"
        done = desk.run("--interpreter", "host", desk.spec(python=python), "env", PATH=path)
        assert done.returncode == 9, done.stderr
        assert f"{other}: does not answer as a Python interpreter would" in one_line(done.stderr)


def test_create__host_interpreter_of_another_version__exits_4(desk: Desk) -> None:
    done = desk.run("--interpreter", "host", desk.spec(python="3.11.99"), "env")
    assert done.returncode == 4
    assert "python 3.11.99 is not this machine's" in one_line(done.stderr)


def test_create__pypi_would_replace_what_conda_installed__exits_4(made: Desk) -> None:
    before = made.state()
    done = made.create(modules=("clashing", "idna"))
    assert done.returncode == 4, done.stderr
    assert "idna" in one_line(done.stderr)
    assert made.state() == before


def test_create__pinned_version_that_the_index_lacks__exits_4(made: Desk) -> None:
    before = made.state()
    pin = {"package": "onlypypi", "version": "7.7", "source": "pypi"}
    done = made.run("-c", str(made.channel), *OURS, made.spec("onlypypi", pins={"onlypypi": pin}), "env")
    assert done.returncode == 4, done.stderr
    assert "cannot install onlypypi==7.7 from PyPI" in one_line(done.stderr)
    assert made.state() == before


def test_create__pins_from_conda_that_the_channel_lacks__exits_4_and_names_each(desk: Desk) -> None:
    pins = {name: {"package": name, "version": "0.1", "source": "conda"} for name in ("idna", "numpy")}
    done = desk.run("-c", str(desk.channel), desk.spec("idna", "numpy", pins=pins), "env")
    assert done.returncode == 4
    assert "idna 0.1 is in no channel" in one_line(done.stderr)
    assert "numpy 0.1 is in no channel" in one_line(done.stderr)


# 5: unreachable


def test_create__channel_does_not_answer__exits_5(made: Desk, dead_channel: str) -> None:
    before = made.state()
    done = made.run("-c", dead_channel, "--interpreter", "channel", made.spec(), "env")
    assert done.returncode == 5
    assert dead_channel in one_line(done.stderr)
    assert made.state() == before


def test_create__folder_is_no_channel__exits_5(desk: Desk) -> None:
    done = desk.run("-c", "./nowhere", "--interpreter", "channel", desk.spec(), "env")
    assert done.returncode == 5
    assert "nowhere" in one_line(done.stderr)


def test_create__index_does_not_answer__exits_5(made: Desk, dead_channel: str) -> None:
    before = made.state()
    done = made.create(modules=("onlypypi",), PIP_NO_INDEX="0", PIP_FIND_LINKS="", UV_DEFAULT_INDEX=dead_channel)
    assert done.returncode == 5, done.stderr
    assert "the package index does not answer for onlypypi" in one_line(done.stderr)
    assert made.state() == before


def test_create__offline_and_not_in_the_cache__exits_5(desk: Desk) -> None:
    done = desk.create("--offline", modules=("onlypypi",), PIP_NO_INDEX="0", PIP_FIND_LINKS="")
    assert done.returncode == 5, done.stderr
    assert "the caches do not hold onlypypi, and --offline forbids" in one_line(done.stderr)


# 6: a module does not import


def test_create__module_does_not_import__exits_6_and_keeps_the_old(made: Desk) -> None:
    before = made.state()
    done = made.create(modules=("broken",))
    assert done.returncode == 6
    assert "broken (ModuleNotFoundError: No module named 'nowhere_to_be_found')" in one_line(done.stderr)
    assert made.state() == before
    assert sorted(path.name for path in made.cwd.iterdir()) == ["deps.json", "env.tar.gz"]


def test_create__module_does_not_import_but_no_check__packs_it(desk: Desk) -> None:
    assert desk.create("--no-check", modules=("broken",)).returncode == 0
    assert (desk.cwd / "env.tar.gz").is_file()


# 7: cannot be written


def test_create__tarballs_name_is_a_folder__exits_7_and_touches_nothing(made: Desk) -> None:
    (made.cwd / "env.tar.gz").unlink()
    (made.cwd / "env.tar.gz").mkdir()
    before = made.state()
    done = made.create(modules=("onlypypi",))
    assert done.returncode == 7
    assert "env.tar.gz" in one_line(done.stderr)
    assert made.state() == before


def test_create__folder_of_the_tarball_does_not_exist__exits_7(desk: Desk) -> None:
    done = desk.run(desk.spec(), "nowhere/env.tar.gz")
    assert done.returncode == 7
    assert "nowhere" in one_line(done.stderr)


def test_create__environments_name_is_somebody_elses_folder__exits_7(desk: Desk) -> None:
    (desk.envs / "env").mkdir(parents=True)
    (desk.envs / "env" / "thesis.txt").write_text("precious")
    done = desk.create()
    assert done.returncode == 7
    assert "is not a Conda environment" in one_line(done.stderr)
    assert (desk.envs / "env" / "thesis.txt").read_text() == "precious"


def test_create__no_place_for_environments__exits_7(desk: Desk) -> None:
    done = desk.create(HOME="/dev/null")
    assert done.returncode == 7
    assert "no directory of environments is writable" in one_line(done.stderr)


# interruptions


@pytest.mark.parametrize("phase", ["prepare", "solve", "link", "pack"])
def test_create__interrupted_in_any_phase__keeps_the_old_and_clears_up(made: Desk, phase: str) -> None:
    before = made.state()
    process = made.start("-c", str(made.channel), made.spec("numpy"), "env")
    assert process.stderr is not None
    for line in process.stderr:
        if line.strip() == f"python_package_create: {phase}":
            break
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert one_line(stderr) == "python_package_create: interrupted"
    assert made.state() == before
    assert set(left(made.envs)) <= {
        "env",
        ".env.new",
    }  # py-rattler's threads may still write; the next create clears up
    assert sorted(path.name for path in made.cwd.iterdir()) == ["deps.json", "env.tar.gz"]


def test_create__killed_outright__keeps_the_old_and_the_next_one_clears_up(made: Desk) -> None:
    before = made.state()
    process = made.start("-c", str(made.channel), made.spec("numpy"), "env")
    staging = made.envs / ".env.new"
    deadline = time.monotonic() + 60
    while not (staging / "conda-meta").is_dir() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.communicate(timeout=60)
    assert staging.exists()
    assert made.state() == before
    assert made.create(modules=("idna",)).returncode == 0
    assert left(made.envs) == ["env"]


def test_create__killed_outright_while_packing__the_next_one_clears_up(made: Desk) -> None:
    def unfinished() -> list[Path]:
        return [path for path in made.cwd.iterdir() if path.name.endswith(".new")]

    process = made.start("-c", str(made.channel), made.spec("numpy"), "env", XDG_CACHE_HOME=str(made.home / "empty"))
    deadline = time.monotonic() + 60
    while not unfinished() and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    process.communicate(timeout=60)
    assert unfinished()
    assert made.create(modules=("idna",)).returncode == 0
    assert unfinished() == []


def test_create__two_at_once_under_one_name__one_is_told_of_the_other(desk: Desk) -> None:
    processes = [desk.start("-c", str(desk.channel), desk.spec("numpy"), "env") for _ in range(2)]
    ends = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
    assert sorted(code for _, code in ends) == [0, 7]
    assert any("another python_package_create is making the environment env" in stderr for stderr, _ in ends)


def test_create__no_python3_and_a_channel_has_one__takes_that(desk: Desk) -> None:
    spec = desk.spec("idna", python=">=3.8")
    done = desk.run("--dry-run", "-c", str(desk.channel), spec, "env", PATH="/nonexistent")
    assert done.returncode == 0, done.stderr


def test_create__no_python3_and_it_is_wanted__exits_9(desk: Desk) -> None:
    spec = desk.spec(python=">=3.8")
    done = desk.run("--dry-run", "--interpreter", "host", spec, "env", PATH="/nonexistent")
    assert done.returncode == 9
    assert "python3: no such interpreter" in one_line(done.stderr)


def test_create__no_python3_and_no_channel_answers__exits_5_and_says_that_first(desk: Desk, dead_channel: str) -> None:
    done = desk.run("--dry-run", "-c", dead_channel, desk.spec(python=">=3.8"), "env", PATH="/nonexistent")
    assert done.returncode == 5
    assert one_line(done.stderr).startswith(f"python_package_create: no answer from the channel {dead_channel}")
    assert "python3: no such interpreter" in one_line(done.stderr)


def test_create__name_of_a_channels_host_led_nowhere__is_asked_again_only_to_refresh(
    desk: Desk, tmp_path: Path
) -> None:
    argv = ("--dry-run", "--interpreter", "channel", "-c", "http://nowhere.invalid/main", desk.spec(), "env")
    said = [
        one_line(desk.run(*more, *argv, XDG_CACHE_HOME=str(tmp_path)).stderr) for more in ((), (), ("--refresh",), ())
    ]
    assert ["s ago (--refresh asks again)" in line for line in said] == [False, True, False, True]
    assert all(line.startswith("python_package_create: no answer from the channel http://nowhere") for line in said)
