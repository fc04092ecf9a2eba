"""Stand-ins for what a run must not fetch: installed distributions, wheels, conda, and the answers of PyPI."""

from __future__ import annotations

import json
import shutil
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scripts.compare.judge import canonical

PUBLISHED = Path(__file__).with_name("published.txt")

# The two questions that Debian's tool asks conda, answered from the environment's own records.
CONDA = """\
import json, os, pathlib, sys
prefix = pathlib.Path(os.environ["CONDA_PREFIX"])
records = [json.loads(path.read_text()) for path in sorted(prefix.glob("conda-meta/*.json"))]
names = ["{name}-{version}-{build}".format(**record) for record in records]
if sys.argv[1:] == ["list", "--json"]:
    print(json.dumps([{"name": record["name"], "channel": "conda-forge", "dist_name": name}
                      for record, name in zip(records, names)]))
elif sys.argv[1:] == ["env", "export", "--json"]:
    print(json.dumps({"name": "env", "channels": ["conda-forge"],
                      "dependencies": ["{name}={version}={build}".format(**record) for record in records]}))
else:
    sys.exit("conda: not one of the two questions that this stand-in answers")
"""


@contextmanager
def installed(site: Path, providers: Mapping[str, tuple[str, ...]], records: Path | None = None) -> Iterator[None]:
    """Install distributions of empty modules into a folder for as long as the context lasts.

    `records` is a conda-meta folder, which gets a record of each.
    """
    before = set(site.iterdir())
    written = []
    try:
        for package, modules in providers.items():
            files = _distribution(site, package, modules)
            if records is not None:
                record = records / f"{package}-1.0-0.json"
                paths = [str(path.relative_to(records.parent)) for path in files]
                record.write_text(json.dumps({"name": package, "version": "1.0", "build": "0", "files": paths}))
                written.append(record)
        yield
    finally:
        remove([*(set(site.iterdir()) - before), *written])


def wheel(folder: Path, name: str, code: str) -> None:
    """Write a wheel of one module, version 1.0, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: compare\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders."""
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _distribution(site: Path, package: str, modules: tuple[str, ...]) -> list[Path]:
    files = []
    for module in modules:
        folder = site.joinpath(*module.split("."))
        folder.mkdir(parents=True, exist_ok=True)
        files.append(folder / "__init__.py")
        files[-1].touch()
    info = site / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    for name, text in (
        ("METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"),
        ("INSTALLER", "pip\n"),
        ("WHEEL", "Wheel-Version: 1.0\nGenerator: stand-in\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        ("top_level.txt", "".join(f"{top}\n" for top in sorted({module.partition(".")[0] for module in modules}))),
    ):
        files.append(info / name)
        files[-1].write_text(text)
    (info / "RECORD").write_text("".join(f"{path.relative_to(site)},,\n" for path in [*files, info / "RECORD"]))
    return files


class _Handler(BaseHTTPRequestHandler):
    """Answer as PyPI's JSON and simple interfaces do, with a version 1.0 of every name in published.txt."""

    published = frozenset(line for line in PUBLISHED.read_text().splitlines() if not line.startswith("#"))

    def do_GET(self) -> None:
        kind, _, rest = self.path.strip("/").partition("/")
        name = rest.partition("/")[0]
        if canonical(name) not in self.published:
            self.send_error(404)
            return
        file: dict[str, object] = {
            "url": f"/files/{name}-1.0.tar.gz",
            "upload_time": "2020-01-01T00:00:00",
            "packagetype": "sdist",
        }
        file |= {"filename": f"{name}-1.0.tar.gz", "md5_digest": "", "python_version": "source", "size": 1}
        file |= {"has_sig": False, "downloads": 0, "comment_text": ""}
        address = f"/project/{name}"
        info = {"name": name, "version": "1.0", "package_url": address, "release_url": f"{address}/1.0"}
        body = json.dumps({"info": info, "releases": {"1.0": [file]}, "urls": [file]})
        if kind == "simple":
            body = f'<html><body><a href="{file["url"]}">{file["filename"]}</a></body></html>'
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if kind == "simple" else "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing when a tool ends before it has read its answers."""


@contextmanager
def pypi() -> Iterator[str]:
    """Serve the stand-in for PyPI on this machine; yield its address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
