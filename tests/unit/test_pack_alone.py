"""An unpacked environment whose bin/python and entry points are started as they are: no activation, no conda-unpack."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from run_worker import tool
from tarball_environment import Workshop
from wheels import write_wheel

from python_package import pack
from python_package.errors import PackError
from python_package.pack import activation, normalize

TELL = "import json, os, sys; print(json.dumps([sys.prefix, dict(os.environ), sys.path]))"
NOBODY = 65534


@pytest.fixture(scope="module")
def tarball(workshop: Workshop) -> Path:
    """A tarball whose activation sets a variable with the prefix, a plain one, and one more folder on PATH."""
    plain = "#!python\nimport sys\nprint(sys.argv[1:])\n"
    odd = write_wheel(workshop.folder / "wheels", "odd", {"odd-1.0.data/scripts/plain": plain, "odd.py": ""})
    prefix = workshop.environment(workshop.folder / "alone", "holder", wheels=[workshop.wheel(), odd])
    (prefix / "etc/conda/activate.d").mkdir(parents=True, exist_ok=True)
    (prefix / "etc/conda/activate.d/data.sh").write_text(
        'export GDAL_DATA="$CONDA_PREFIX/share/gdal" GREETING="two words" PATH="$CONDA_PREFIX/tools:$PATH"\n'
    )
    return _packed(prefix, workshop)


def _packed(prefix: Path, workshop: Workshop) -> Path:
    tarball = workshop.folder / f"{prefix.name}.tar.gz"
    pack.pack(prefix, tarball, cache=workshop.layers)
    # Nothing of it may be found again.
    prefix.rename(workshop.folder / f"{prefix.name} is gone")
    return tarball


@pytest.fixture(scope="module")
def env(tarball: Path, workshop: Workshop) -> Iterator[Path]:
    """The unpacked tree, which nobody may write to, in a folder with a blank."""
    folder = workshop.folder / "not writable"
    folder.mkdir(mode=0o755)
    workshop.folder.chmod(0o755)
    subprocess.run(["tar", "xzf", tarball, "-C", folder], check=True)
    subprocess.run(["chmod", "-R", "a-w", folder], check=True)
    yield folder
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    shutil.rmtree(folder)


def run(argv: Sequence[str | Path], **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program as root may not: as nobody, who owns nothing."""
    user = NOBODY if os.getuid() == 0 else None
    return subprocess.run(
        argv, env=environ, cwd="/", user=user, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def public(workshop: Workshop) -> Iterator[Path]:
    """A folder that anybody may enter, with a link to the environment."""
    folder = workshop.folder / "public"
    folder.mkdir(mode=0o755)
    (folder / "link").symlink_to(workshop.folder / "not writable")
    yield folder
    shutil.rmtree(folder)


def told(done: subprocess.CompletedProcess[str]) -> tuple[str, dict[str, str], list[str]]:
    assert (done.returncode, done.stderr) == (0, "")
    prefix, environ, path = json.loads(done.stdout)
    return prefix, environ, path


def test_python__nothing_set__has_what_activation_sets(env: Path) -> None:
    prefix, environ, _ = told(run([env / "bin/python", "-c", TELL]))

    assert prefix == str(env)
    assert environ["PATH"] == f"{env}/bin:{env}/tools:/usr/local/bin:/usr/bin:/bin"
    assert environ["GDAL_DATA"] == f"{env}/share/gdal"
    assert (environ["GREETING"], environ["CONDA_PREFIX"], environ["PYTHONNOUSERSITE"]) == ("two words", str(env), "1")
    assert environ["SSL_CERT_FILE"] == f"{env}/ssl/cacert.pem"
    assert not any("/alone" in value for value in environ.values())


def test_python__tls__has_the_environments_certificates(env: Path) -> None:
    """A worker may have none: the library looks where the machine that built it kept its own."""
    program = "import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 50)"

    done = run([env / "bin/python", "-c", program])

    assert (done.stdout, done.stderr) == ("True\n", "")


def test_python__users_own_choices__stay(env: Path) -> None:
    own = {"SSL_CERT_FILE": "/etc/mine.pem", "PATH": "/bin", "GREETING": "mine"}

    _, environ, _ = told(run([env / "bin/python", "-c", TELL], **own))

    assert (environ["SSL_CERT_FILE"], environ["GREETING"]) == ("/etc/mine.pem", "mine")
    assert environ["PATH"] == f"{env}/bin:{env}/tools:/bin"


def test_python__another_environment_is_active__its_variables_are_replaced(env: Path) -> None:
    base = {"CONDA_PREFIX": "/opt/base", "GDAL_DATA": "/opt/base/share/gdal", "PATH": "/opt/base/bin"}

    _, environ, _ = told(run([env / "bin/python", "-c", TELL], **base))

    assert environ["GDAL_DATA"] == f"{env}/share/gdal"
    assert (environ["CONDA_PREFIX"], environ["PATH"]) == (str(env), f"{env}/bin:{env}/tools:/opt/base/bin")


@pytest.mark.parametrize("options", [["-I"], ["-S"], ["-I", "-S"]])
def test_python__isolated_or_without_site__sets_nothing(env: Path, options: list[str]) -> None:
    _, environ, _ = told(run([env / "bin/python", *options, "-c", TELL], PATH="/bin"))

    assert (environ["PATH"], "CONDA_PREFIX" in environ) == ("/bin", False)


def test_python__switched_off__sets_nothing(env: Path) -> None:
    off = {"PYTHON_PACKAGE_NO_ACTIVATION": "1", "PATH": "/bin"}

    _, environ, _ = told(run([env / "bin/python", "-c", TELL], **off))

    assert "CONDA_PREFIX" not in environ


@pytest.mark.parametrize("active", ["{env}", "{link}"])
def test_python__activated_already__leaves_path_alone(env: Path, public: Path, active: str) -> None:
    prefix = active.format(env=env, link=public / "link")

    _, environ, _ = told(run([env / "bin/python", "-c", TELL], CONDA_PREFIX=prefix, PATH="/own:/bin"))

    assert (environ["PATH"], environ["CONDA_PREFIX"]) == ("/own:/bin", prefix)


def test_python__packages_in_the_users_home__are_not_seen(env: Path, public: Path) -> None:
    """They come before the environment's own on sys.path: another numpy there would be imported instead."""
    version = next(env.glob("lib/python3*")).name
    (public / "lib" / version / "site-packages").mkdir(parents=True)

    _, _, path = told(run([env / "bin/python", "-c", TELL], PYTHONUSERBASE=str(public)))

    assert not any(str(public) in folder for folder in path)
    assert f"{env}/lib/{version}/site-packages" in path


def test_python__started_by_python__is_the_same_one(env: Path) -> None:
    program = f"import subprocess; subprocess.run(['python', '-c', {TELL!r}], check=True)"

    prefix, environ, _ = told(run([env / "bin/python", "-c", program]))

    assert (prefix, environ["PATH"].count(f"{env}/bin")) == (str(env), 1)


def test_python__through_a_link__is_the_same_environment(env: Path, public: Path) -> None:
    prefix, environ, _ = told(run([public / "link/bin/python", "-c", TELL]))

    assert Path(prefix).samefile(env)
    assert environ["CONDA_PREFIX"] == prefix


def test_python__two_hundred_first_starts_at_once__all_run(env: Path) -> None:
    program = "import json, ssl, sqlite3, colours; print(colours.NAME)"

    with ThreadPoolExecutor(50) as pool:
        done = list(pool.map(lambda _: run([env / "bin/python", "-c", program]), range(200)))

    assert {(each.returncode, each.stdout, each.stderr) for each in done} == {(0, "colours\n", "")}


@pytest.mark.parametrize("shell", ["", "dash", "bash", "busybox ash"])
@pytest.mark.parametrize("path", [None, "", "/nowhere", "{public}"])
def test_entry_point__any_path__runs_the_python_beside_it(
    env: Path, public: Path, shell: str, path: str | None
) -> None:
    """Another environment's python on PATH was run before, and 127 was the answer where there was none."""
    (public / "python").write_text("#!/bin/sh\necho the wrong python\n")
    (public / "python").chmod(0o755)
    (public / "colours").symlink_to("link/bin/colours")
    name, *options = shell.split() or [""]
    front = [tool(name), *options] if name else []
    environ = {} if path is None else {"PATH": path.format(public=public)}

    for script in (env / "bin/colours", public / "colours"):
        done = run([*front, script], **environ)
        assert (done.returncode, done.stdout, done.stderr) == (0, "command of colours\n", "")


def test_entry_point__of_a_conda_package__runs_too(env: Path) -> None:
    assert run([env / "bin/holder"], PATH="").stdout == "held\n"


def test_entry_point__odd_arguments__arrive(env: Path) -> None:
    assert run([env / "bin/plain", "a b", "*", "", "$x"]).stdout == "['a b', '*', '', '$x']\n"


def test_untracked__options_of_the_interpreter__are_kept() -> None:
    """`env` took `python3.11 -s` for the name of a program."""
    shipped = normalize.untracked("/prefix", "bin/tool", b"#!/prefix/bin/python3.11 -s -O\nimport sys\n")

    assert b"""/python3.11" -s -O "$0" "$@"\n""" in shipped


def test_untracked__script_in_another_encoding__keeps_it() -> None:
    """PEP 263 looks at the first two lines; ours are three."""
    script = (
        b"#!/usr/bin/env python3.11\n# -*- coding: latin-1 -*-\nfrom __future__ import annotations\nname = '\xe9'\n"
    )

    shipped = normalize.untracked("/prefix", "bin/tool", script)

    assigned = ast.parse(shipped).body[-1]
    assert ast.unparse(assigned) == "name = 'é'"


def test_untracked__scripts_of_other_languages__are_left_alone() -> None:
    for script in (b"#!/usr/bin/env perl\nprint 1;\n", b"#!/bin/sh\necho\n", b"\x7fELF\0"):
        assert normalize.untracked("/prefix", "bin/tool", script) is script
    assert normalize.untracked("/prefix", "lib/a.py", b"#!/usr/bin/env python\n") == b"#!/usr/bin/env python\n"


def test_pack__files_that_hold_the_prefix__are_counted_and_listed(tarball: Path, env: Path) -> None:
    listed = (env / "conda-meta/python-package-list").read_text().splitlines()

    held = [line for line in listed if line.startswith("prefix-in ")]
    assert "prefix-in etc/holder.conf" in held and "prefix-in lib/libholder.so" in held
    assert not any(" bin/" in line and "config" not in line for line in held)
    assert pack.read(tarball).relocated == len(held)


def test_pack__sizes__are_listed_as_a_table_the_largest_first(tarball: Path, env: Path) -> None:
    """Before compression they are what a reader of tar counts, and after it what the file has but for its ends."""
    text = (env / "conda-meta/python-package-list").read_text()
    table = [line.removeprefix("sizes ") for line in text.splitlines() if line.startswith("sizes ")]

    rows = [re.fullmatch(r" *(\d+) kB +(\d+) kB  (#*) +(\S+)", row) for row in table[1:]]
    assert table[0].split() == ["unpacked", "packed"]
    found = [(int(row[1]), int(row[2]), len(row[3]), row[4]) for row in rows if row]
    assert len(found) == len(rows)
    assert [packed for _, packed, _, _ in found] == sorted((row[1] for row in found), reverse=True)
    assert (found[0][2], max(row[2] for row in found)) == (30, 30)
    named = {line.split(" ")[1] for line in text.splitlines() if line.startswith(("package ", "pypi "))}
    assert named < {name for _, _, _, name in found}
    with tarfile.open(tarball) as archive:
        members = archive.getmembers()
    last = next(member.offset for member in members if member.name.startswith("conda-meta/") and members.index(member))
    first = members[1].offset
    assert abs(sum(before for before, _, _, _ in found) * 1000 - (last - first)) <= 1000 * len(found)
    assert sum(packed for _, packed, _, _ in found) * 1000 < tarball.stat().st_size + 1000 * len(found)


def test_pack__sizes__are_the_same_from_the_cache(workshop: Workshop, tmp_path: Path) -> None:
    prefix = workshop.environment(tmp_path / "again", "holder", wheels=[workshop.wheel()])

    for name, cache in (("cold", tmp_path / "layers"), ("warm", tmp_path / "layers"), ("none", None)):
        pack.pack(prefix, tmp_path / f"{name}.tar.gz", cache=cache)

    cold, warm, none = ((tmp_path / f"{name}.tar.gz").read_bytes() for name in ("cold", "warm", "none"))
    assert cold == warm == none


@pytest.fixture(scope="module")
def link_free(workshop: Workshop) -> Path:
    """The tree of a tarball without links; the environment has links to a file, a folder, and a chain of both."""
    prefix = workshop.environment(workshop.folder / "links", "holder", wheels=[workshop.wheel()])
    (prefix / "share/other").symlink_to("holder")
    (prefix / "share/chain.txt").symlink_to("other/plain.txt")
    (prefix / "share/absolute.txt").symlink_to(prefix / "share/holder/plain.txt")
    with pack.Packer(prefix, cache=workshop.layers, links=False) as packer:
        packer.pack(workshop.folder / "links.tar.gz")
        before = {path: path.readlink() for path in prefix.rglob("*") if path.is_symlink()}
        packer.relocate(str(workshop.folder / "x"))
        assert {path: path.readlink() for path in prefix.rglob("*") if path.is_symlink()} == before
    workshop.folder.chmod(0o755)
    (workshop.folder / "no links").mkdir(mode=0o755)
    subprocess.run(["tar", "xzf", workshop.folder / "links.tar.gz", "-C", workshop.folder / "no links"], check=True)
    return workshop.folder / "no links"


def test_pack__without_links__a_reader_that_passes_over_links_gets_all(link_free: Path, workshop: Workshop) -> None:
    with tarfile.open(workshop.folder / "links.tar.gz") as opened:
        assert {entry.type for entry in opened} <= {tarfile.REGTYPE, tarfile.DIRTYPE}
    for path in ("share/other/plain.txt", "share/chain.txt", "share/absolute.txt"):
        assert (link_free / path).read_text() == "plain\n"
    assert told(run([link_free / "bin/python3", "-c", TELL]))[0] == str(link_free)


def test_conda_unpack__without_links__adapts_the_copies_too(link_free: Path) -> None:
    assert run([link_free / "bin/python", "-c", "import ssl"]).returncode == 0
    subprocess.run([link_free / "bin/conda-unpack"], check=True)

    assert (link_free / "lib/link.so").read_bytes() == (link_free / "lib/libholder.so").read_bytes()
    assert f"{link_free}/lib".encode() in (link_free / "lib/link.so").read_bytes()


@pytest.mark.parametrize("leads_to", ["/etc/hostname", "nowhere", "../../.."])
def test_pack__without_links_and_one_that_leads_out__is_one_line(
    workshop: Workshop, tmp_path: Path, leads_to: str
) -> None:
    prefix = workshop.environment(tmp_path / "env", "holder")
    (prefix / "share/out").symlink_to(leads_to)

    with pytest.raises(PackError, match="without links: share/out leads to no file in it"):
        pack.Packer(prefix, cache=workshop.layers, links=False)


def test_record__rewritten_scripts__have_their_new_hash(env: Path) -> None:
    """pip finds nothing altered: it is asked, not we."""
    program = """
import base64, hashlib, importlib.metadata as metadata, pathlib
for distribution in metadata.distributions():
    for file in distribution.files or ():
        if file.hash and file.locate().exists():
            digest = hashlib.new(file.hash.mode, file.locate().read_bytes()).digest()
            assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == file.hash.value, file
            print(file)
"""
    done = run([env / "bin/python", "-c", program])

    assert done.returncode == 0, done.stderr
    assert "../../../bin/colours\n" in done.stdout


@pytest.mark.parametrize("script", ["exit 3\n", "if ((; then\n", "exec sleep 100\n"])
def test_read__activation_script_that_fails__sets_nothing(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import check refuses such an environment; with --no-check it is packed as it is."""
    (tmp_path / "etc/conda/activate.d").mkdir(parents=True)
    (tmp_path / "etc/conda/activate.d/a.sh").write_text("export SET=yes\n")
    assert activation.read(tmp_path).variables == {"SET": "yes"}
    (tmp_path / "etc/conda/activate.d/b.sh").write_text(script)
    monkeypatch.setattr("python_package.subprocesses.QUESTION_SECONDS", 1)

    assert activation.read(tmp_path) == ({}, [])


def test_read__no_scripts__costs_no_shell(tmp_path: Path) -> None:
    assert activation.read(tmp_path) == ({}, [])
