"""What the Conda configuration says, against real channels: priorities, pins, certificates, proxies, lists."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from desk import Desk, one_line

from python_package.conda import condarc
from python_package.conda.condarc import Condarc, Limits
from python_package.conda.records import PLATFORM
from python_package.conda.solver import Channels
from python_package.create.inputs import read
from python_package.create.requirements import assign
from python_package.errors import RefusedError, SolveError, SpecError
from python_package.import_names import requested
from scripts.faults.misbehaving import Request, Server, serving, status


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def index(folder: Path, packages: Sequence[tuple[str, str, Sequence[str]]]) -> Path:
    """Write the index of a channel: names, versions, and what they need."""
    records = {
        f"{name}-{version}-0.conda": {
            "name": name,
            "version": version,
            "build": "0",
            "build_number": 0,
            "depends": list(needs),
            "subdir": "noarch",
            "sha256": "0" * 64,
        }
        for name, version, needs in packages
    }
    (folder / "noarch").mkdir(parents=True)
    data = {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": records, "repodata_version": 1}
    (folder / "noarch" / "repodata.json").write_text(json.dumps(data))
    return folder


def load(home: Path, text: str, environ: Mapping[str, str] | None = None) -> Condarc:
    (home / ".condarc").write_text(text)
    return condarc.load(PLATFORM, {"PATH": "", **(environ or {})}, home)


def solved(config: Condarc, channels: Sequence[str], *specs: str) -> dict[str, str]:
    opened = Channels(channels, config=config, limits=Limits(retries=0))
    return {package.name: package.version for package in opened.solve(specs).packages}


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """Return two channels: the first has an old numpy, the second a newer one and what needs it."""
    first = index(tmp_path / "first", [("numpy", "1.0", []), ("tool", "1.0", ["numpy"])])
    second = index(tmp_path / "second", [("numpy", "2.0", []), ("new", "1.0", ["numpy >=2"])])
    return [str(first), str(second)]


@pytest.mark.parametrize(
    ("priority", "specs", "numpy"),
    [
        ("flexible", ["numpy"], "1.0"),
        ("flexible", ["tool"], "1.0"),
        ("flexible", ["new"], "2.0"),
        ("flexible", ["numpy >=2"], "2.0"),
        ("strict", ["numpy"], "1.0"),
        ("strict", ["new"], None),
        ("disabled", ["numpy"], "2.0"),
    ],
)
def test_solve__priorities__are_what_conda_means_by_them(
    tmp_path: Path, two: list[str], priority: str, specs: list[str], numpy: str | None
) -> None:
    config = load(tmp_path, f"channel_priority: {priority}\n")
    if numpy is None:
        with pytest.raises(SolveError):
            solved(config, two, *specs)
    else:
        assert solved(config, two, *specs)["numpy"] == numpy


def test_solve__nothing_configured__takes_from_the_second_channel_what_the_first_cannot_give(two: list[str]) -> None:
    assert solved(Condarc(), two, "tool", "new")["numpy"] == "2.0"


def test_solve__pins__bind_what_is_needed_and_bring_nothing(tmp_path: Path, two: list[str]) -> None:
    config = load(tmp_path, "pinned_packages: [numpy 1.*, absent=3]\nchannel_priority: disabled\n")
    assert solved(config, two, "tool") == {"tool": "1.0", "numpy": "1.0"}
    with pytest.raises(SolveError, match="numpy"):
        solved(config, two, "new")


def test_available__python_is_pinned__other_versions_are_not_offered(tmp_path: Path) -> None:
    channel = index(tmp_path / "c", [("python", version, []) for version in ("3.10.1", "3.11.1", "3.12.1")])
    config = load(tmp_path, "pinned_packages: ['python=3.11']\n")
    assert set(Channels([str(channel)], config=config).available([]).pythons) == {"3.11.1"}


def test_solve__disallowed_package__is_refused_by_name(tmp_path: Path, two: list[str]) -> None:
    config = load(tmp_path, "disallowed_packages: ['numpy>=2']\n")
    assert solved(config, two, "tool")["numpy"] == "1.0"
    with pytest.raises(SolveError, match=r"numpy 2\.0 would be needed, and it is one of disallowed_packages"):
        solved(config, two, "new")


@pytest.mark.parametrize("key", ["pinned_packages", "disallowed_packages"])
def test_channels__specs_that_are_none__name_their_key(tmp_path: Path, key: str) -> None:
    with pytest.raises(SolveError, match=f"{key} in the Conda configuration"):
        Channels([], config=load(tmp_path, f"{key}: ['numpy >=>=1']\n"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a certificate authority of our own, and a server's key and certificate by it."""
    folder = tmp_path_factory.mktemp("authority")
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "server.ext", "-days", "3650"]
    for command in (
        [*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=tests"],
        [*new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"],
        ["openssl", "x509", "-req", "-in", "server.csr", *by, "-out", "server.pem"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "certificates").mkdir()
    (folder / "certificates" / "ca.pem").write_bytes((folder / "ca.pem").read_bytes())
    subprocess.run(["openssl", "rehash", "certificates"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def secure(tmp_path: Path, authority: Path) -> Iterator[str]:
    """Serve a channel over https, and return its address."""
    root = index(tmp_path / "secure", [("tool", "1.0", [])])
    (root / PLATFORM).mkdir()
    (root / PLATFORM / "repodata.json").write_text('{"info":{},"packages":{},"packages.conda":{}}')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    with serving(root, {}) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield f"https://localhost:{server.server_port}"


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("ssl_verify: {authority}/ca.pem\n", {}),
        ("ssl_verify: {authority}/certificates\n", {}),
        ("ssl_verify: false\n", {}),
        ("ssl_verify: true\n", {"REQUESTS_CA_BUNDLE": "{authority}/ca.pem"}),
        ("", {"CURL_CA_BUNDLE": "{authority}/ca.pem"}),
        ("", {"SSL_CERT_FILE": "{authority}/ca.pem"}),
        ("", {"CONDA_SSL_VERIFY": "{authority}/ca.pem"}),
        ("ssl_verify: {authority}/ca.pem\n", {"SSL_CERT_FILE": "{authority}/server.key"}),
    ],
)
def test_solve__channel_of_an_authority_of_their_own__is_trusted_as_they_say(
    tmp_path: Path,
    secure: str,
    authority: Path,
    text: str,
    variables: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = {name: value.format(authority=authority) for name, value in variables.items()}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert solved(load(tmp_path, text.format(authority=authority), environ), [secure], "tool") == {"tool": "1.0"}


@pytest.mark.parametrize("text", ["", "ssl_verify: true\n", "ssl_verify: {authority}/server.pem\n"])
def test_solve__channel_of_an_unknown_authority__is_refused_and_nothing_takes_its_place(
    tmp_path: Path, secure: str, authority: Path, text: str
) -> None:
    with pytest.raises(RefusedError, match="cannot be trusted"):
        solved(load(tmp_path, text.format(authority=authority)), [secure], "tool")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Server]:
    """Serve a channel as a proxy does, whatever the host, to who has a password."""
    root = index(tmp_path / "behind", [("tool", "1.0", [])])
    (root / PLATFORM).mkdir()
    (root / PLATFORM / "repodata.json").write_text('{"info":{},"packages":{},"packages.conda":{}}')

    def answer(request: Request, body: bytes | None) -> None:
        told = request.headers.get("Proxy-Authorization", "").removeprefix("Basic ")
        file = root / "/".join(request.path.split("/")[-2:])
        if base64.b64decode(told) != b"me:hush":
            request.answer(407, b"who are you?")
        else:
            request.answer(200, file.read_bytes()) if file.is_file() else status(404)(request, body)

    with serving(root, {"*": answer}) as server:
        yield server


def test_solve__behind_a_proxy__goes_through_the_one_that_is_configured(
    tmp_path: Path, proxy: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = "http://channel.invalid/main"
    text = f"proxy_servers:\n  http: http://me:hush@127.0.0.1:{proxy.server_port}\n  https: http://127.0.0.1:1\n"
    assert solved(load(tmp_path, text), [channel], "tool") == {"tool": "1.0"}
    with pytest.raises(RefusedError, match="407 Proxy Authentication Required") as caught:
        solved(load(tmp_path, text.replace("hush", "wrong")), [channel], "tool")
    assert "wrong" not in str(caught.value)
    monkeypatch.setenv("NO_PROXY", "channel.invalid")
    with pytest.raises(Exception, match="no answer"):
        solved(load(tmp_path, text), [channel], "tool")


def test_create__channel_that_the_configuration_forbids__exits_4_and_asks_nobody(desk: Desk) -> None:
    (desk.home / ".condarc").write_text("allowlist_channels: [conda-forge]\n")
    for argv in ((), ("--interpreter=host",)):
        done = desk.create(*argv, modules=("idna",))
        assert done.returncode == 4
        assert "is not one of allowlist_channels" in one_line(done.stderr)


def test_create__configured_list_of_channels__is_where_packages_come_from(desk: Desk) -> None:
    (desk.home / ".condarc").write_text(f"custom_multichannels:\n  ours: ['file://{desk.channel}']\nchannels: [ours]\n")
    done = desk.run("--dry-run", desk.spec("idna"), "env")
    assert done.returncode == 0, done.stderr
    assert "idna" in done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [("channels: x\n", "channels must be a list"), ("subdir: osx-64\n", "osx-64"), ("{", "not a readable Conda")],
)
def test_create__configuration_that_cannot_be_honoured__exits_4_in_one_line(desk: Desk, text: str, words: str) -> None:
    (desk.home / ".condarc").write_text(text)
    done = desk.create(modules=("idna",))
    assert done.returncode == 4
    assert words in one_line(done.stderr)


@pytest.mark.parametrize(
    ("dependency", "version"),
    [
        ("numpy", "1.0"),
        ("first::numpy", "1.0"),
        ("second::numpy", "2.0"),
        ("several::numpy", "1.0"),
        ("several::new", "2.0"),
    ],
)
def test_solve__package_of_a_channel__comes_from_that_one(two: list[str], dependency: str, version: str) -> None:
    root = Path(two[0]).parent
    config = load(root, f"channel_alias: file://{root}\ncustom_multichannels: {{several: [first, second]}}\n")
    given = read(f"channels: [first, second]\ndependencies: [{dependency}]\n", "environment.yml")
    assert given.spec.packages == (f"conda:{dependency}",)
    (package,) = requested(given.spec.packages)
    (assigned,) = assign([package], {"numpy": ["1.0", "2.0"], "new": ["1.0"]}).assigned
    assert solved(config, ["first", "second"], assigned.spec)["numpy"] == version
    assert solved(config, ["first"], "second::numpy")["numpy"] == "1.0"  # --channel here


def test_solve__package_that_its_channel_lacks__is_not_taken_from_another(two: list[str]) -> None:
    config = load(Path(two[0]).parent, f"channel_alias: file://{Path(two[0]).parent}\n")
    with pytest.raises(SolveError, match="new"):
        solved(config, ["first", "second"], "first::new")


def test_read__address_before_a_package__says_where_it_belongs() -> None:
    with pytest.raises(SpecError, match='write the address into "channels"'):
        read("dependencies: ['https://u:s3cret@h.example/c::numpy']\n", "environment.yml")
