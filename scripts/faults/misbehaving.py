"""A real HTTP server on loopback that serves a folder and misbehaves where a table says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Request(BaseHTTPRequestHandler):
    """One request; a behaviour answers it with the bytes that are right, None where there is no such file."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(path)
        file = self.server.root / path.lstrip("/")
        body = file.read_bytes() if file.is_file() else None
        for pattern, behaviour in self.server.table.items():
            if fnmatch(path, pattern):
                return behaviour(self, body)
        return right(self, body)

    do_HEAD = do_GET  # noqa: N815  # the base class's name

    def answer(
        self,
        code: int,
        body: bytes,
        *,
        promised: int | None = None,
        kind: str = "application/octet-stream",
        **headers: str,
    ) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, *_: object) -> None: ...


Behaviour = Callable[[Request, bytes | None], None]


class Server(ThreadingHTTPServer):
    """`requests` are the paths that were asked for; `over` is set when what stalls has to end."""

    daemon_threads = True

    def __init__(self, root: Path, table: Mapping[str, Behaviour]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.root = root
        self.table = dict(table)
        self.requests: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None: ...  # clients that give up


def right(request: Request, body: bytes | None) -> None:
    """Answer as a server should."""
    if body is None:
        return request.answer(404, b"Not Found", kind="text/plain")
    kind = "text/html" if request.path.endswith("/") else "application/octet-stream"
    return request.answer(200, body, kind=kind)


def status(code: int) -> Behaviour:
    """Answer with a code."""
    return lambda request, _: request.answer(code, f"error {code}".encode(), kind="text/plain")


def portal(request: Request, _: bytes | None) -> None:
    """Answer as the log-in page of a hotel does."""
    request.answer(200, b"<!DOCTYPE html><html><title>Welcome</title><p>Log in to go on.</html>", kind="text/html")


def silent(request: Request, _: bytes | None) -> None:
    """Take the request and say nothing."""
    request.close_connection = True
    request.server.over.wait(600)


def cut(request: Request, body: bytes | None) -> None:
    """Send half of what is promised, and hang up."""
    request.close_connection = True
    request.answer(200, (body or b"")[: len(body or b"") // 2], promised=len(body or b""))


def stalled(request: Request, body: bytes | None) -> None:
    """Send half of what is promised, and then nothing."""
    cut(request, body)
    request.server.over.wait(600)


def dripping(seconds: float, pieces: int) -> Behaviour:
    """Send all that is promised, slowly: a network that is poor but alive."""

    def behave(request: Request, body: bytes | None) -> None:
        body = body or b""
        request.answer(200, b"", promised=len(body))
        for number in range(pieces):
            start, end = (len(body) * n // pieces for n in (number, number + 1))
            request.wfile.write(body[start:end])
            request.wfile.flush()
            request.server.over.wait(seconds / pieces)

    return behave


@contextmanager
def serving(root: Path, table: Mapping[str, Behaviour]) -> Iterator[Server]:
    """Serve a folder; of several patterns that a path fits the first counts."""
    with Server(root, table) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
