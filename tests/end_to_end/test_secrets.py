"""Passwords and tokens in addresses are used, and are told to nobody: not on a stream, in a file, or in a tarball."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from desk import COMMAND, PYTHON, Desk, one_line
from user_python import UserPython
from wheels import write_wheel

from python_package.cli import process
from python_package.errors import PackError
from scripts.faults.misbehaving import Request, Server, right, serving

# A user, a password, Conda's token and the token of a query: none may be seen anywhere.
SECRETS = ("hush-user", "hush-password", "hush-token", "hush-query")
USER = "hush-user:hush-password"


def guarded(request: Request, body: bytes | None) -> None:
    """Answer only who has the user's password, and for the index or its files the token of a query too."""
    told = request.headers.get("Authorization", "").removeprefix("Basic ")
    if base64.b64decode(told).decode() != USER:
        request.answer(401, b"who are you?", WWW_Authenticate='Basic realm="all"')
    elif "/files/" in request.path and "token=hush-query" not in request.path:
        request.answer(403, b"a token is needed")
    elif body and request.path.startswith("/simple/"):
        request.answer(200, body, kind="text/html")
    else:
        right(request, body)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, channel: Path) -> Iterator[Server]:
    """Serve a channel behind a token, an index whose files want a token, and all of it behind a password."""
    root = tmp_path_factory.mktemp("site")
    (root / "t" / "hush-token").mkdir(parents=True)
    shutil.copytree(channel, root / "t" / "hush-token" / "private")
    for name in ("onlypypi", "direct"):
        wheel = write_wheel(root / "files", name, {f"{name}.py": ""})
        digest = sha256(wheel.read_bytes()).hexdigest()
        page = root / "simple" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f'<a href="/files/{wheel.name}?token=hush-query#sha256={digest}">{wheel.name}</a>')

    def index(request: Request, body: bytes | None) -> None:
        page = root / request.path.partition("?")[0].strip("/") / "index.html"
        guarded(request, page.read_bytes() if page.is_file() else body)

    with serving(root, {"/simple/*": index, "*": guarded}) as server:
        yield server


def address(site: Server, path: str) -> str:
    return f"http://{USER}@127.0.0.1:{site.server_port}{path}"


@pytest.fixture
def settings(site: Server) -> dict[str, str]:
    return {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": address(site, "/simple/?token=hush-query")}


def leaks(folder: Path) -> list[str]:
    """Return the files below a folder that have a secret in their name or content, in members of a tarball too."""
    found = []
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        contents = [path.name.encode() + path.read_bytes()]
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path) as tarball:
                members = [(each.name, tarball.extractfile(each)) for each in tarball if each.isfile()]
                contents += [name.encode() + (file.read() if file else b"") for name, file in members]
                contents.append(gzip.decompress(path.read_bytes()))
        if any(secret.encode() in content for content in contents for secret in SECRETS):
            found.append(str(path.relative_to(folder)))
    return found


def silent(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def test_create__everything_behind_secrets__is_made_and_tells_none(
    desk: Desk, site: Server, settings: dict[str, str]
) -> None:
    url = address(site, "/files/direct-1.0-py3-none-any.whl?token=hush-query")
    (desk.cwd / "requirements.txt").write_text(f"direct @ {url}\nonlypypi\nidna\n")
    argv = ["-c", address(site, "/t/hush-token/private"), "--lock", "env.lock", "--sbom", "env.json"]
    done = desk.run(*argv, "requirements.txt", "env", **settings)
    assert done.returncode == 0, done.stderr
    assert silent(done.stdout + done.stderr)
    (desk.cwd / "requirements.txt").unlink()
    assert leaks(desk.cwd) == []
    assert leaks(desk.envs / "env") == []
    meta = json.loads(next((desk.envs / "env" / "conda-meta").glob("idna-*.json")).read_bytes())
    assert meta["channel"].rstrip("/").removesuffix("/noarch") == f"http://127.0.0.1:{site.server_port}/private"
    assert meta["url"].startswith(f"http://127.0.0.1:{site.server_port}/private/noarch/idna-")
    history = (desk.envs / "env" / "conda-meta" / "history").read_text()
    assert f"http://127.0.0.1:{site.server_port}/private" in history


def test_create__locked_with_the_secrets_left_out__is_made_again_by_who_knows_them(
    desk: Desk, site: Server, settings: dict[str, str]
) -> None:
    argv = ["-c", address(site, "/t/hush-token/private"), "--map=onlypypi=onlypypi"]
    done = desk.run(*argv, "--lock", "env.lock", desk.spec("idna", "onlypypi"), "env", **settings)
    assert done.returncode == 0, done.stderr
    first = (desk.cwd / "env.tar.gz").read_bytes()
    again = desk.run(*argv[:2], "--locked", "env.lock", "env", **settings)
    assert again.returncode == 0, again.stderr
    assert (desk.cwd / "env.tar.gz").read_bytes() == first
    assert silent(done.stderr + again.stderr)


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("http://hush-user:wrong@127.0.0.1:{port}/t/hush-token/private", 5),
        ("http://127.0.0.1:{port}/t/hush-token/private", 5),
        ("http://{user}@127.0.0.1:{port}/t/hush-token-2/private", 5),
        ("http://{user}@127.0.0.1:1/t/hush-token/private", 5),
        ("http://{user}@127.0.0.1:99999/t/hush-token/private", None),
        ("http://hush-user:hush/password@127.0.0.1:{port}/t/hush-token/private", None),
        ("http://{user}@/t/hush-token/private", None),
    ],
    ids=["password", "none", "token", "dead", "port", "slash", "host"],
)
@pytest.mark.parametrize("interpreter", ["auto", "channel"])
def test_create__channel_that_refuses_or_is_not_there__is_named_without_its_secrets(
    desk: Desk, site: Server, named: str, code: int | None, interpreter: str
) -> None:
    named = named.format(port=site.server_port, user=USER)
    spec = desk.spec("idna", python="3.4.5" if ":1/" in named else PYTHON)
    done = desk.run("-c", named, f"--interpreter={interpreter}", spec, "env")
    assert done.returncode in ((code,) if code else (1, 4, 5)), done.stderr
    assert silent(one_line(done.stderr))
    assert silent(done.stdout + done.stderr)
    assert "PyPI" not in done.stderr or ":1/" in named
    assert not (desk.cwd / "env.tar.gz").exists()


@pytest.mark.parametrize("argv", [("--dry-run",), ()])
def test_create__index_that_refuses__is_named_without_its_secrets(
    desk: Desk, site: Server, settings: dict[str, str], argv: tuple[str, ...]
) -> None:
    settings["PIP_INDEX_URL"] = f"http://hush-user:wrong@127.0.0.1:{site.server_port}/simple/?token=hush-query"
    done = desk.create(*argv, modules=("onlypypi",), **settings)
    assert done.returncode in (4, 5)
    assert silent(done.stdout + done.stderr)


def test_create__secrets_in_condarc__are_in_no_output_and_no_file_and_serve_a_lock(desk: Desk, site: Server) -> None:
    (desk.home / ".condarc").write_text(
        f"custom_channels:\n  private: {address(site, '/t/hush-token')}\nchannels: [private]\n"
    )
    done = desk.run("--lock", "env.lock", desk.spec("idna"), "env")
    assert done.returncode == 0, done.stderr
    again = desk.run("--locked", "env.lock", "env", RATTLER_CACHE_DIR=str(desk.cwd / "empty"))
    assert again.returncode == 0, again.stderr
    (desk.home / ".condarc").unlink()
    assert silent(done.stderr + again.stderr)
    assert leaks(desk.cwd) == []
    assert leaks(desk.home) == []
    assert stat.S_IMODE((desk.envs / "env" / "conda-meta" / "history").stat().st_mode) & 0o400


@pytest.mark.parametrize("option", ["--pin", "--explain"])
def test_analyze__installed_from_an_address_with_secrets__tells_where_without_them(tmp_path: Path, option: str) -> None:
    user = UserPython(tmp_path)
    user.install(str(write_wheel(tmp_path / "elsewhere", "direct", {"direct.py": ""})))
    (note,) = user.folder.glob("venv/lib/*/site-packages/direct-1.0.dist-info/direct_url.json")
    url = f"https://{USER}@h.example/direct-1.0.tar.gz?token=hush-query"
    note.write_text(json.dumps({"url": url, "archive_info": {}}))
    (tmp_path / "script.py").write_text("import direct\n")
    argv = [str(COMMAND.with_name("python_package_analyze")), option, "script.py", "out.json"]
    environ = {"PATH": f"{user.bin}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
    told = done.stdout + done.stderr + (tmp_path / "out.json").read_text()
    assert "https://h.example/direct-1.0.tar.gz" in told, done
    assert silent(told)


def test_run__fault_of_ours_about_an_address__is_said_without_its_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    def main(_: list[str]) -> int:
        raise RuntimeError(f"cannot parse https://{USER}@h.example/t/hush-token/x?token=hush-query")

    assert process._call("command", main, PackError) == process.FAULT
    told = capfd.readouterr().err
    assert "cannot parse https://h.example/x" in told
    assert silent(told)
