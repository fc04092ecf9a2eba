"""Passwords and tokens in addresses, searched in every stream and file that a command leaves."""

from __future__ import annotations

import base64
import gzip
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scripts.faults.injection import Try, fault, is_one_line
from scripts.faults.packages import write_wheel

_USER = "hush-user:hush-password"
_SECRETS = (b"hush-user", b"hush-password", b"hush-token", b"hush-query")

# Channels: who gives the right secrets gets the environment.
_RIGHT = ("http://{user}@{host}/t/hush-token/private", "http://{user}@{host}/t/hush-token/private/", "private")
_WRONG = (
    "http://hush-user:wrong-hush-password@{host}/t/hush-token/private",
    "http://hush-password@{host}/t/hush-token/private",
    "http://{user}@{host}/t/hush-token-of-another/private",
    "http://{user}@127.0.0.1:1/t/hush-token/private",
    "http://{user}@127.0.0.1:99999/t/hush-token/private",
    "http://hush-user:hush-password/with/slash@{host}/private",
    "http://{user}@/t/hush-token/private",
)


@fault("6", "a channel wants a password and a token: who has them gets an environment that tells neither", tries=3)
def told(attempt: Try) -> bool:
    """Create from it, as the option or the condarc names it; search streams, environment, tarball, lock and bill."""
    with _site(attempt) as host:
        home = attempt.folder / "home"
        home.mkdir(exist_ok=True)
        (home / ".condarc").write_text(f"custom_channels:\n  private: http://{_USER}@{host}/t/hush-token\n")
        channel = _RIGHT[attempt.index].format(user=_USER, host=host)
        (attempt.folder / "requirements.txt").write_text("")
        argv = ["-c", channel, "--lock", "x.lock", "--sbom", "x.json", "requirements.txt", "x"]
        made = attempt.run(attempt.commands.create, *argv, CONDA_ENVS_PATH=str(attempt.folder / "envs"))
        (home / ".condarc").unlink()
    history = attempt.folder / "envs" / "x" / "conda-meta" / "history"
    told_from = made.returncode == 0 and f"+http://{host}/private/" in history.read_text()
    return told_from and _clean(attempt.folder, made.stdout + made.stderr)


@fault("6", "a channel refuses the password, is not there, or has no valid address: nothing takes its place", tries=7)
def refused(attempt: Try) -> bool:
    """Create: it ends in one line without the secret, and makes nothing of this machine's python and PyPI instead."""
    with _site(attempt) as host:
        (attempt.folder / "requirements.txt").write_text("")
        channel = _WRONG[attempt.index].format(user=_USER, host=host)
        # Where nobody answers at all, this machine's own python may stand in: not where it is told to keep out.
        argv = ["-c", channel, *(["--interpreter=channel"] if ":1/" in channel else []), "requirements.txt", "x"]
        made = attempt.run(attempt.commands.create, *argv)
    failed = made.returncode in (1, 4, 5) and is_one_line(made.stderr)
    return failed and not (attempt.folder / "x.tar.gz").exists() and _clean(attempt.folder, made.stdout + made.stderr)


@fault("32", "an index, a list of files or an address gives files by a token in a query", tries=3)
def queried(attempt: Try) -> bool:
    """Create with a distribution from there: the token is in no stream, environment, tarball, lock and bill."""
    with _site(attempt) as host:
        settings = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": f"http://{_USER}@{host}/simple?token=hush-query"}
        if attempt.index == 1:
            settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"http://{_USER}@{host}/simple/fromthere/index.html"}
        address = f"http://{_USER}@{host}/files/fromthere-1.0-py3-none-any.whl?token=hush-query"
        wanted = f"fromthere @ {address}" if attempt.index == 2 else "fromthere"
        (attempt.folder / "requirements.txt").write_text(f"{wanted}\n")
        settings["CONDA_ENVS_PATH"] = str(attempt.folder / "envs")
        variables = [f"{name}={value}" for name, value in settings.items()]
        argv = ["-c", str(attempt.supplies.channel), "--lock", "x.lock", "--sbom", "x.json", "requirements.txt", "x"]
        made = attempt.run("env", *variables, attempt.commands.create, *argv)
        (attempt.folder / "requirements.txt").unlink()
    return made.returncode == 0 and _clean(attempt.folder, made.stdout + made.stderr)


def _clean(folder: Path, streams: str) -> bool:
    """Tell whether no secret is in what was said, nor in a file or tarball below the folder."""
    contents = [streams.encode()]
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            whole = path.read_bytes()
            contents.append(gzip.decompress(whole) if path.name.endswith(".tar.gz") else whole)
    return not any(secret in content for content in contents for secret in _SECRETS)


@contextmanager
def _site(attempt: Try) -> Iterator[str]:
    """Serve a channel and an index that want secrets, out of sight of the try, and yield host and port."""
    root = attempt.folder.with_name(f"{attempt.folder.name}-site")
    shutil.copytree(attempt.supplies.channel, root / "t" / "hush-token" / "private")
    (root / "files").mkdir()
    wheel = write_wheel(root / "files", "fromthere", {"fromthere.py": ""})
    (root / "simple" / "fromthere").mkdir(parents=True)
    page = f'<!DOCTYPE html><a href="/files/{wheel.name}?token=hush-query">{wheel.name}</a>'
    (root / "simple" / "fromthere" / "index.html").write_text(page)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Guard, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            shutil.rmtree(root)


class _Guard(SimpleHTTPRequestHandler):
    """Lets in who has the password, and gives files to who has the token."""

    def do_GET(self) -> None:
        told = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(told).decode() != _USER:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="all"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif "/files/" in self.path and "token=hush-query" not in self.path:
            self.send_error(403)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None: ...
