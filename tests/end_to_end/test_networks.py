"""Channels that misbehave, over real HTTP: each gets the code and the words that fit; none is waited for for ever."""

from __future__ import annotations

import os
import re
import shutil
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tarball_environment import _add_package

from python_package import progress
from python_package.conda import absent_hosts, condarc, connection
from python_package.conda.condarc import Condarc, Limits
from python_package.conda.records import PLATFORM
from python_package.conda.solver import Channels
from python_package.create import solve
from python_package.create.options import CreateOptions
from python_package.create.requirements import Wanted
from python_package.errors import (
    ChecksumError,
    ContentError,
    HostPythonError,
    PackageError,
    PackError,
    RefusedError,
    SolveError,
    UnreachableError,
)
from python_package.import_names.package import Package
from python_package.progress import Silent
from python_package.spec import Spec
from scripts.faults.misbehaving import (
    Behaviour,
    Request,
    Server,
    cut,
    dripping,
    portal,
    serving,
    silent,
    stalled,
    status,
)

SHARDS, INDEX, PACKAGE = "*/repodata_shards.msgpack.zst", "*/repodata.json*", "*.conda"
ONCE, QUICK = Limits(retries=0), Limits(connect=0.6, read=0.6, retries=1)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a channel of two packages, which has its index in every form."""
    root = tmp_path_factory.mktemp("packages")
    for name in ("tool", "other"):
        _add_package(root, name, {f"share/{name}.txt": f"{name}\n" * 40_000})
    return root / "channel"


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


def solved(server: Server, *specs: str, limits: Limits = ONCE) -> list[str]:
    channels = Channels([server.url], limits=limits)
    channels.available(["tool"])
    return sorted(package.name for package in channels.solve([*specs] or ["tool"]).packages)


def linked(server: Server, prefix: Path, limits: Limits = ONCE) -> None:
    channels = Channels([server.url], limits=limits)
    channels.link(channels.solve(["tool", "other"]), prefix, Silent())


def body(content: bytes) -> Behaviour:
    return lambda request, _: request.answer(200, content)


# A mirror that knows nothing of shards, and says so in its own way.


@pytest.mark.parametrize("refusal", [status(400), status(401), status(403), status(404), status(500), portal, cut])
def test_solve__only_the_index_in_shards_is_refused__takes_the_other(packages: Path, refusal: Behaviour) -> None:
    with serving(packages, {SHARDS: refusal}) as server:
        assert solved(server) == ["tool"]


def test_solve__single_shards_are_refused__takes_the_other_index(packages: Path) -> None:
    with serving(packages, {"*/shards/*": status(403)}) as server:
        assert solved(server) == ["tool"]


def test_solve__one_of_two_channels_refuses_its_shards__the_other_is_still_asked_for_them(packages: Path) -> None:
    with serving(packages, {SHARDS: status(403)}) as mirror, serving(packages, {}) as usual:
        channels = Channels([mirror.url, usual.url], limits=ONCE)
        channels.solve(["tool"])
        assert any(re.search(r"/repodata\.json", path) for path in mirror.requests)
        assert not any(re.search(r"/repodata\.json", path) for path in usual.requests)


def test_solve__name_of_several_channels_that_refuse_their_shards__asks_each_for_the_other_index(
    packages: Path, tmp_path: Path
) -> None:
    with serving(packages, {SHARDS: status(403)}) as first, serving(packages, {SHARDS: status(403)}) as second:
        several = f"custom_multichannels: {{several: ['{first.url}', '{second.url}']}}\n"
        (tmp_path / ".condarc").write_text(several)
        config = condarc.load(PLATFORM, {"PATH": ""}, tmp_path)
        channels = Channels(["several"], config=config, limits=ONCE)
        assert [package.name for package in channels.solve(["several::tool"]).packages] == ["tool"]


# What a channel may answer instead of its index.


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (400, RefusedError, "400 Bad Request"),
        (401, RefusedError, "401 Unauthorized for .*repodata.json.*: the user name and password, or the token"),
        (403, RefusedError, "403 Forbidden for .*repodata.json.*: the user name and password, or the token"),
        (404, RefusedError, "404 Not Found for .*repodata.json.*: there is none at that address"),
        (451, RefusedError, "451 Unavailable For Legal Reasons"),
        (499, RefusedError, "has 499 for "),
        (500, UnreachableError, "500 Internal Server Error for .*: its server is at fault"),
        (503, UnreachableError, "503 Service Unavailable"),
    ],
)
def test_solve__index_is_refused__says_the_code_and_the_file(
    packages: Path, code: int, kind: type[UnreachableError], words: str
) -> None:
    with serving(packages, {"*": status(code)}) as server, pytest.raises(kind, match=words) as caught:
        solved(server)
    assert type(caught.value) is kind
    assert f"the channel {server.url} has {code}" in str(caught.value)
    assert "no answer" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b'{"info": {"subdir": "noarch"}, "packages": {"a', b"<html>"],
    ids=["empty", "another JSON", "cut", "cut in a name", "a page"],
)
def test_solve__index_is_something_else__is_not_what_was_promised(packages: Path, content: bytes) -> None:
    table = {"*/noarch/repodata.json": body(content), SHARDS: status(404), "*.json.*": status(404)}
    with serving(packages, table) as server, pytest.raises(ContentError, match="is not a channel's index") as caught:
        solved(server)
    assert str(caught.value).startswith(f"{server.url}/noarch/repodata.json is not")
    assert not isinstance(caught.value, ChecksumError)


def test_solve__portal_answers_everything__is_not_what_was_promised(packages: Path) -> None:
    with serving(packages, {"*": portal}) as server, pytest.raises(ContentError, match="want a log-in") as caught:
        solved(server)
    assert server.url in str(caught.value)


def test_solve__after_a_portal__the_right_server_is_believed(packages: Path) -> None:
    with serving(packages, {"*": portal}) as server:
        with pytest.raises(ContentError):
            solved(server)
        server.table.clear()
        assert solved(server) == ["tool"]


def test_solve__index_breaks_off__is_unreachable_and_says_so(packages: Path) -> None:
    table = {SHARDS: status(404), "*.json.*": status(404), INDEX: cut}
    with (
        serving(packages, table) as server,
        pytest.raises(UnreachableError, match="does not finish its answer") as caught,
    ):
        solved(server, limits=ONCE)
    assert "repodata.json" in str(caught.value)


def test_solve__nobody_listens__says_which_address() -> None:
    with pytest.raises(UnreachableError, match=r"no answer from the channel http://127.0.0.1:9/ch: Connection refused"):
        Channels(["http://127.0.0.1:9/ch"], limits=ONCE).solve(["tool"])


# A host whose name leads nowhere: known for minutes, in the same network.


def absence(channel: str = "http://channel.invalid/main", *, refresh: bool = False) -> str:
    with pytest.raises(UnreachableError, match="no answer from the channel http://channel") as caught:
        Channels([channel], limits=ONCE, refresh=refresh).available(["tool"])
    return str(caught.value)


def test_solve__name_of_a_host_led_nowhere__is_remembered_for_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\n")
    monkeypatch.setattr(absent_hosts, "_NETWORK", (str(resolver),))
    assert "s ago (--refresh asks again)" not in absence()
    assert re.search(r"failed to lookup address information: .*, \d s ago \(--refresh asks again\)", absence())
    assert "s ago" in absence("http://channel.invalid/other")
    assert "s ago" not in absence("http://channel-2.invalid/main")
    assert "s ago" not in absence(refresh=True)
    (kept, *_) = (tmp_path / "xdg").rglob("absent-hosts/*")
    for each in kept.parent.iterdir():
        os.utime(each, (time.time() - absent_hosts.SECONDS - 1,) * 2)
    assert "s ago" not in absence()
    resolver.write_text("nameserver 127.0.0.2\n")
    assert "s ago" not in absence()


def test_solve__behind_a_proxy_that_is_not_found__the_channel_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    assert "s ago" not in absence()
    monkeypatch.delenv("http_proxy")
    assert "s ago" not in absence()


def test_solve__nobody_listens__is_not_remembered() -> None:
    for _ in range(2):
        with pytest.raises(UnreachableError, match=r"Connection refused \(os error 111\) \(http"):
            Channels(["http://127.0.0.1:9/main"], limits=ONCE).available(["tool"])


def test_solve__password_in_the_address__is_not_told(packages: Path) -> None:
    with serving(packages, {"*": status(401)}) as server:
        address = server.url.replace("//", "//user:hunter2@") + "/t/tk-secret-123/ch"
        with pytest.raises(RefusedError) as caught:
            Channels([address], limits=ONCE).solve(["tool"])
    assert "hunter2" not in str(caught.value)
    assert "tk-secret-123" not in str(caught.value)


# Silence.


@pytest.mark.parametrize("behaviour", [silent, stalled])
@pytest.mark.parametrize("pattern", ["*", INDEX])
def test_solve__silent_or_stalled_channel__is_given_up_and_said(
    packages: Path, behaviour: Behaviour, pattern: str
) -> None:
    start = time.monotonic()
    with (
        serving(packages, {pattern: behaviour, SHARDS: status(404)}) as server,
        pytest.raises(UnreachableError, match=r"no answer from the channel http://.*: nothing was heard for 0.6 s"),
    ):
        solved(server, limits=QUICK)
    assert time.monotonic() - start < 30


def test_solve__slow_but_living_channel__is_waited_for(packages: Path) -> None:
    table = {SHARDS: status(404), "*.json.*": status(404), INDEX: dripping(3, 30)}
    with serving(packages, table) as server:
        assert solved(server, limits=Limits(connect=1, read=1, retries=0)) == ["tool"]


def test_solve__machine_that_takes_no_connection__is_given_up_sooner() -> None:
    with full() as address, pytest.raises(UnreachableError, match=r"nothing was heard for 0\.5 s, 2 times"):
        Channels([address], limits=Limits(connect=0.5, read=300)).solve(["tool"])


@contextmanager
def full() -> Iterator[str]:
    """Yield the address of a machine that drops whoever wants to connect: its queue is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}/channel"
        for each in waiting:
            each.close()


# Packages.


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (status(401), RefusedError, "401 Unauthorized for .*/tool-1.0-0.conda: the user name"),
        (status(403), RefusedError, "403 Forbidden for .*/tool-1.0-0.conda"),
        (status(404), RefusedError, "404 Not Found for .*/tool-1.0-0.conda"),
        (status(500), UnreachableError, "500 Internal Server Error for .*/tool-1.0-0.conda: its server is at fault"),
        (portal, ContentError, "/linux-64/tool-1.0-0.conda is not a Conda package: .*want a log-in"),
        (body(b""), ContentError, "/linux-64/tool-1.0-0.conda is not a Conda package: "),
        (cut, UnreachableError, "does not finish its answer for http.*/tool-1.0-0.conda"),
        (silent, UnreachableError, "no answer from the channel .* for tool: nothing was heard for 1 s, 2 times"),
        (stalled, UnreachableError, "no answer from the channel .* for tool: nothing was heard for 1 s, 2 times"),
    ],
)
def test_link__package_cannot_be_had__says_why_and_which(
    packages: Path, tmp_path: Path, behaviour: Behaviour, kind: type[PackageError], words: str
) -> None:
    with serving(packages, {"*/tool-*.conda": behaviour}) as server, pytest.raises(kind, match=words) as caught:
        linked(server, tmp_path / "env", Limits(connect=1, read=1 if behaviour in (silent, stalled) else 30, retries=1))
    assert type(caught.value) is kind


def test_link__after_a_portal__the_right_package_is_taken(packages: Path, tmp_path: Path) -> None:
    with serving(packages, {PACKAGE: portal}) as server:
        with pytest.raises(ContentError):
            linked(server, tmp_path / "one")
        server.table.clear()
        linked(server, tmp_path / "two")
    assert (tmp_path / "two/share/tool.txt").read_text().startswith("tool\n")


def test_link__download_that_stalls_once__is_taken_again(packages: Path, tmp_path: Path) -> None:
    with serving(packages, {}) as server:

        def once(request: Request, content: bytes | None) -> None:
            del server.table["*/tool-*.conda"]
            stalled(request, content)

        server.table["*/tool-*.conda"] = once
        linked(server, tmp_path / "env", Limits(read=1, retries=1))
    assert (tmp_path / "env/share/tool.txt").read_text() == "tool\n" * 40_000
    assert (tmp_path / "env/share/other.txt").read_text() == "other\n" * 40_000
    assert len(list((tmp_path / "env/conda-meta").glob("*.json"))) == 2


def test_link__slow_but_living_download__is_waited_for(packages: Path, tmp_path: Path) -> None:
    with serving(packages, {PACKAGE: dripping(3, 30)}) as server:
        linked(server, tmp_path / "env", Limits(connect=1, read=1, retries=0))
    assert (tmp_path / "env/share/tool.txt").is_file()


# Names that are words of errors.

HOSTILE = ("connect", "timeout-decorator", "dns-error", "error-sending-request", "hash-mismatch", "operation-timed-out")


@pytest.mark.parametrize("name", HOSTILE)
def test_solve__package_called_like_an_error_is_in_no_channel__cannot_be_solved(packages: Path, name: str) -> None:
    with serving(packages, {}) as server, pytest.raises(SolveError, match=name):
        Channels([server.url], limits=ONCE).solve([name])


def test_solve__channel_called_like_an_error__cannot_be_solved(packages: Path, tmp_path: Path) -> None:
    shutil.copytree(packages, tmp_path / "connect timed out (os error 110)")
    with pytest.raises(SolveError, match="nowhere"):
        Channels([str(tmp_path / "connect timed out (os error 110)")]).solve(["nowhere"])


# Packages' own scripts.


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scripts")
    told = "$PKG_NAME $PKG_VERSION $PKG_BUILDNUM $PREFIX $CONDA_PREFIX $PWD $ACTIVATED"
    texts = {
        "works": f'echo "{told}" >> "$PREFIX/told"; [[ -x $PREFIX/bin/.works-post-link.sh ]]',
        "fails": 'echo "it needs a licence" >> "$PREFIX/.messages.txt"; exit 3',
        "dies": "echo out; echo reason >&2; kill -9 $$",
        "reads": 'read line; test -z "$line"',
    }
    for name, text in texts.items():
        activation = {"etc/conda/activate.d/a.sh": "export ACTIVATED=yes\n"} if name == "works" else {}
        _add_package(root, name, {f"bin/.{name}-post-link.sh": f"#!/bin/bash\n{text}\n", **activation})
    return root / "channel"


def made(channel: Path, prefix: Path, *specs: str) -> None:
    channels = Channels([str(channel)])
    channels.link(channels.solve(specs), prefix, Silent())


def test_link__post_link_script_that_works__has_condas_variables_and_an_activated_environment(
    scripts: Path, tmp_path: Path
) -> None:
    prefix = tmp_path / "env"
    made(scripts, prefix, "works", "reads")
    *words, folder, activated = (prefix / "told").read_text().split()
    assert words == ["works", "1.0", "0", str(prefix), str(prefix)]
    assert Path(folder) != Path.cwd()
    assert activated == "yes"


@pytest.mark.parametrize(
    ("name", "reason"), [("fails", "exited with 3: it needs a licence"), ("dies", "exited with -9: out reason")]
)
def test_link__post_link_script_that_fails__fails_and_names_it(
    scripts: Path, tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(PackError) as caught:
        made(scripts, tmp_path / "env", "works", name)
    assert str(caught.value).endswith(f"the post-link script of {name} 1.0 (.{name}-post-link.sh) {reason}")


# What is made where no channel can be used.


def planned(channel: str, packages: Sequence[Package], python: str = sys.executable) -> solve.Plan:
    version = ".".join(map(str, sys.version_info[:3]))
    spec, options = (
        Spec(version, tuple(each.module for each in packages)),
        CreateOptions(channels=(channel,), python=python),
    )
    return solve.plan(spec, Wanted(tuple(packages)), options, Condarc(), progress.Clock(progress.Silent()))


@pytest.mark.parametrize("behaviour", [status(401), status(403), status(404), portal], ids=["401", "403", "404", "200"])
def test_make__channel_refuses__is_not_answered_with_pypi(
    packages: Path, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solve, "host_channel", lambda **_: pytest.fail("this host was packed"))
    with serving(packages, {"*": behaviour}) as server, pytest.raises((RefusedError, ContentError)) as caught:
        planned(server.url, [Package("numpy", "numpy", ("numpy",), "", "")])
    assert caught.value.code in (5, 8)
    assert server.url in str(caught.value)


def test_make__no_channel_answers_and_only_channels_have_a_package__is_unreachable() -> None:
    packages = [Package(name, pypi, (name,), "", "") for name, pypi in (("numpy", ""), ("idna", "idna"))]
    with pytest.raises(UnreachableError, match=r"^no answer from .*Connection refused.*; only a channel has numpy$"):
        planned("http://127.0.0.1:9/ch", packages)


def test_make__no_channel_answers_and_there_is_no_python3__says_the_first_first() -> None:
    with pytest.raises(
        UnreachableError, match=r"^no answer from .*; this machine's .* no-python3: no such interpreter"
    ):
        planned("http://127.0.0.1:9/ch", [], python="no-python3")


def test_make__host_is_asked_for_and_there_is_no_python3__has_a_code_of_its_own() -> None:
    options = CreateOptions(interpreter="host", python="no-python3")
    with pytest.raises(HostPythonError, match="no-python3: no such interpreter") as caught:
        solve.plan(Spec("3.11.7", ()), Wanted(()), options, Condarc(), progress.Clock(progress.Silent()))
    assert caught.value.code == 9


def test_make__constraint_on_python_and_there_is_no_python3__takes_the_channels(tmp_path: Path) -> None:
    _add_package(tmp_path, "python", {"bin/python": ""})
    options = CreateOptions(channels=(str(tmp_path / "channel"),), python="no-python3")
    made = solve.plan(Spec(">=1", ()), Wanted(()), options, Condarc(), progress.Clock(progress.Silent()))
    assert made.python == "1.0"


def test_unless_silent__system_does_not_tell_of_its_connections__is_not_limited(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_TCP_INFO", struct.Struct("=B51xI9000x"))
    with serving(packages, {SHARDS: status(404), "*.json.*": status(404), INDEX: dripping(2, 2)}) as server:
        assert solved(server, limits=Limits(connect=0.5, read=0.5, retries=0)) == ["tool"]
