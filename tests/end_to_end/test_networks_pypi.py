"""Package indexes that misbehave, over real HTTP and with the real uv: each gets the code and the words that fit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from wheels import write_wheel

from python_package.errors import (
    ChecksumError,
    ContentError,
    PackageError,
    PackError,
    RefusedError,
    SolveError,
    UnreachableError,
)
from python_package.host_python.interpreter import ask
from python_package.pypi import pip_wheels, uv_errors
from python_package.pypi.pip_settings import for_uv
from python_package.pypi.resolution import Destination, foresee, resolve
from scripts.faults.misbehaving import Behaviour, Request, cut, portal, right, serving, silent, stalled, status

HOSTILE = ("connect", "timeout-decorator", "dns-error", "error-sending-request", "failed-to-fetch", "hint", "cause")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of `good`, and of a package that needs those called like errors, which it has not."""
    root = tmp_path_factory.mktemp("index")
    write_wheel(root / "files", "good", {"good.py": "x = 1\n" * 10_000})
    write_wheel(root / "files", "needy", {"needy.py": ""}, requires=HOSTILE)
    for name in ("good", "needy"):
        page = root / "simple" / name
        page.mkdir(parents=True)
        (file,) = (root / "files").glob(f"{name}-*")
        (page / "index.html").write_text(f'<!DOCTYPE html><a href="/files/{file.name}">{file.name}</a>')
    return root


def page(request: Request, _: bytes | None) -> None:
    file = request.server.root / request.path.strip("/") / "index.html"
    if file.is_file():
        request.answer(200, file.read_bytes(), kind="text/html")
    else:
        right(request, None)


def cut_page(request: Request, _: bytes | None) -> None:
    content = (request.server.root / request.path.strip("/") / "index.html").read_bytes()
    request.close_connection = True
    request.answer(200, content[: len(content) // 2], promised=len(content), kind="text/html")


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "1")


def foreseen(
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: Mapping[str, Behaviour],
    *requirements: str,
    offline: bool = False,
) -> list[str]:
    with serving(index, {**table, "/simple/*": page}) as server:
        monkeypatch.setenv("UV_INDEX_URL", f"{server.url}/simple")
        version = ".".join(map(str, sys.version_info[:3]))
        destination = Destination(version, f"cp{sys.version_info[0]}{sys.version_info[1]}", {}, offline=offline)
        found = foresee((), requirements or ("good",), destination)
        return [each.name for each in found]


def test_foresee__index_as_it_should_be__is_found(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert foreseen(index, monkeypatch, {}) == ["good"]


PAGE, FILE = "/simple/good/", "/files/*"


@pytest.mark.parametrize(
    ("pattern", "behaviour", "kind", "words"),
    [
        (PAGE, status(401), RefusedError, "has 401 Unauthorized for http.*/simple: the user name and password"),
        (PAGE, status(403), RefusedError, "has 403 Forbidden for http.*/simple: the user name and password"),
        (PAGE, status(404), SolveError, "good was not found in the package registry"),
        (PAGE, portal, SolveError, "the index lists no file of good: does it want a log-in"),
        (
            PAGE,
            status(500),
            UnreachableError,
            "has 500 Internal Server Error for http.*/simple/good/: its server is at",
        ),
        (PAGE, cut_page, UnreachableError, "does not answer for good: .* \\(http.*/simple/good/\\)"),
        (PAGE, silent, UnreachableError, "does not answer for good: operation timed out \\(http.*/simple/good/\\)"),
        (FILE, status(401), RefusedError, "has 401 Unauthorized for http.*good-1.0-py3-none-any.whl: the user"),
        (FILE, status(403), RefusedError, "has 403 Forbidden for http.*good-1.0-py3-none-any.whl: the user"),
        (FILE, status(404), RefusedError, "has 404 Not Found for http.*good-1.0-py3-none-any.whl: there is none"),
        (FILE, status(503), UnreachableError, "has 503 Service Unavailable for http.*good-1.0-py3-none-any.whl"),
        (FILE, portal, ContentError, "^good 1.0 from PyPI is not a package: .*; does its"),
        (FILE, silent, UnreachableError, "does not answer for good: operation timed out \\(http.*whl\\)"),
        (FILE, stalled, UnreachableError, "does not answer for good: .* network timeout.* \\(.*`good==1.0`\\)"),
    ],
)
def test_foresee__index_misbehaves__says_why_and_which_file(
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    behaviour: Behaviour,
    kind: type[PackageError],
    words: str,
) -> None:
    with pytest.raises(kind, match=words) as caught:
        foreseen(index, monkeypatch, {pattern: behaviour})
    assert type(caught.value) is kind


def test_foresee__file_breaks_off__names_the_file(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # uv says of some that the server hung up, of others that what came is no wheel: it depends on which it sees first.
    with pytest.raises(
        (UnreachableError, ContentError), match=r"does not answer for good: .*(whl|`good==1.0`)\)|^good 1.0 from PyPI"
    ):
        foreseen(index, monkeypatch, {FILE: cut})


def test_resolve__address_with_a_user__keeps_its_password_for_the_installation(index: Path) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    with serving(index, {}) as server:
        url = f"{server.url.replace('//', '//me:pw@')}/files/good-1.0-py3-none-any.whl"
        (found,) = resolve((), (f"Good @ {url}",), Destination(version, "cp311", {}))
    assert (found.location, found.direct) == (url, True)


def test_foresee__page_is_none__is_not_what_was_promised(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table: dict[str, Behaviour] = {PAGE: lambda request, _: request.answer(200, b"\x89PNG", kind="image/png")}
    with pytest.raises(ContentError, match=r"^http.*/simple/good/ is not a package index: .*image/png"):
        foreseen(index, monkeypatch, table)


@pytest.mark.parametrize("name", HOSTILE)
def test_foresee__project_called_like_an_error_is_in_no_index__cannot_be_solved(
    index: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(SolveError, match=name):
        foreseen(index, monkeypatch, {}, name)


def test_foresee__needs_projects_called_like_errors__cannot_be_solved(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SolveError, match="needy"):
        foreseen(index, monkeypatch, {}, "needy")


def test_foresee__offline__is_unreachable(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreachableError, match="good: the caches do not hold good, and --offline"):
        foreseen(index, monkeypatch, {}, offline=True)


# 403 is also what an index on a store of objects says of a project that it has not.
@pytest.mark.parametrize(
    ("variable", "code"), [("UV_EXTRA_INDEX_URL", 401), ("UV_EXTRA_INDEX_URL", 403), ("PIP_EXTRA_INDEX_URL", 401)]
)
def test_foresee__one_of_two_indexes_refuses__the_other_is_not_taken(
    index: Path, monkeypatch: pytest.MonkeyPatch, code: int, variable: str
) -> None:
    with serving(index, {"*": status(code)}) as private:
        monkeypatch.setenv(variable, f"{private.url.replace('//', '//user:hunter2@')}/simple")
        with pytest.raises(RefusedError, match=f"has {code} .* for {private.url}/simple") as caught:
            foreseen(index, monkeypatch, {})
    assert "hunter2" not in str(caught.value)


def test_foresee__one_of_two_indexes_of_pip_has_not_the_project__the_other_is_taken(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code in (403, 404):
        with serving(index, {"*": status(code)}) as other:
            monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{other.url}/simple")
            assert foreseen(index, monkeypatch, {}) == ["good"]


def test_foresee__nobody_listens__is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    destination = Destination("3.11.7", "cp311", {})
    with pytest.raises(UnreachableError, match=r"does not answer for good: Connection refused .*127\.0\.0\.1:9"):
        foresee((), ("good",), destination)


def test_foresee__repository_is_not_there__says_what_git_says() -> None:
    requirement = "good @ git+http://127.0.0.1:9/good.git"
    with pytest.raises(RefusedError, match=r"cannot fetch good from its repository: unable to access .*Failed to conn"):
        foresee((), (requirement,), Destination("3.11.7", "cp311", {}))


def test_foresee__repository_is_silent__is_given_up(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert for_uv().environ["GIT_HTTP_LOW_SPEED_TIME"] == "60"
    monkeypatch.setenv("GIT_HTTP_LOW_SPEED_TIME", "1")
    with serving(index, {"*": silent}) as server, pytest.raises(RefusedError, match="cannot fetch good from its repos"):
        foresee((), (f"good @ git+{server.url}/good.git",), Destination("3.11.7", "cp311", {}))


# Words of uv that no loopback server brings about, and of versions before the one that is installed.

TREE = """\
  \u00d7 No solution found when resolving dependencies:
  ╰─▶ Because good was not found in the package registry and you require good,
      we can conclude that your requirements are unsatisfiable.

      hint: An index URL (http://127.0.0.1:34223/simple) returned a 403
      Forbidden error. This could indicate lack of valid authentication
      credentials, or the package may not exist on this index.
"""
BUILD = """\
error: Failed to build `evil==1.0`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)
         [stderr]
         error: Failed to fetch: http://127.0.0.1/simple/evil/
  cause: HTTP status client error (401 Unauthorized) for url (http://127.0.0.1/simple/evil/)
         No space left on device (os error 28)
"""
DISK = """\
error: Failed to install: good-1.0-py3-none-any.whl (good==1.0)
  cause: failed to copy file from /a to /b: No space left on device (os error 28)
"""
MISMATCH = """\
  \u00d7 Failed to download `good==1.0`
  ╰─▶ Hash mismatch for `good==1.0`

      Expected:
        sha256:aa

      Computed:
        sha256:bb
"""


@pytest.mark.parametrize(
    ("stderr", "kind", "words"),
    [
        (TREE, RefusedError, "has 403 Forbidden for http://127.0.0.1:34223/simple: the user name"),
        (BUILD, SolveError, "cannot install good from PyPI: error: Failed to build `evil==1.0`"),
        (DISK, PackError, "cannot install good from PyPI: .*No space left on device"),
        (
            MISMATCH,
            ChecksumError,
            "good==1.0 from PyPI is not the file that was promised: Expected: sha256:aa Computed",
        ),
        ("", SolveError, "cannot install good from PyPI"),
        ("error: something new\n", SolveError, "something new"),
    ],
)
def test_explain__uvs_own_words__gets_the_class_that_fits(stderr: str, kind: type[PackageError], words: str) -> None:
    error = uv_errors.explain(stderr, ["good"])
    assert type(error) is kind
    with pytest.raises(kind, match=words):
        raise error


# The same, of pip, which makes the wheels of `python -m python_package.channel`.


@pytest.mark.parametrize(
    ("pattern", "behaviour", "kind", "words"),
    [
        (
            PAGE,
            status(401),
            RefusedError,
            "^good: the package index has 401 Unauthorized for http.*/simple/good/: the us",
        ),
        (
            PAGE,
            status(403),
            RefusedError,
            "^good: the package index has 403 Forbidden for http.*/simple/good/: the user",
        ),
        (FILE, status(401), RefusedError, "^good: the package index has 401 Unauthorized for http.*whl"),
        (FILE, status(500), UnreachableError, "^good: the package index .*500"),
        (FILE, portal, ContentError, "^good: good-1.0-py3-none-any.whl is not a wheel; does its server want a log-in"),
        (FILE, stalled, UnreachableError, "^good: the package index does not answer: Download failed after"),
    ],
)
def test_fetch__index_misbehaves__says_why_and_which_file(
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    pattern: str,
    behaviour: Behaviour,
    kind: type[PackageError],
    words: str,
) -> None:
    with pytest.raises(kind, match=words) as caught:
        fetched(index, monkeypatch, tmp_path, {pattern: behaviour}, "good")
    assert type(caught.value) is kind


def test_fetch__project_called_like_an_error__cannot_be_solved(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = "error-sending-request"
    with pytest.raises(SolveError, match=f"No matching distribution found for {name}"):
        fetched(index, monkeypatch, tmp_path, {}, name)


def fetched(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table: Mapping[str, Behaviour], name: str
) -> None:
    for variable, value in {"DEFAULT_TIMEOUT": "1", "RETRIES": "0", "NO_CACHE_DIR": "1"}.items():
        monkeypatch.setenv(f"PIP_{variable}", value)
    with serving(index, {**table, "/simple/*": page}) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        here = ask(sys.executable)
        pip_wheels.fetch([name], here.executable, here.version, tmp_path / "wheels", progress=lambda _: None)
