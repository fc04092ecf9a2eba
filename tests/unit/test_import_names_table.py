"""The tables of import names: how they are searched, and that the shipped ones are in order."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from python_package.import_names import table
from python_package.import_names.table import Row, Table
from python_package.spec import canonical
from python_package.stdlib import standard_once

SMALL = """
# A comment, and a row that only looks like one: # yaml wrong
[imports]
Same_Name
cv2 headless full
discord discord-py | py-cord
panda ~pandas
pkg old<82
deep deep-top
deep.part other
apt ! part of a system
google *
google.protobuf protobuf
otel * otel-api
[portions]
google -cloud-secret-manager -auth
otel -sdk -exporter-a -exporter-b-c -exporter-d otel-api-contrib-e -instrumentation -instrumentation-v2
[conda]
headless py-cv opencv
[assumed]
famous-thing
"""
FIRST = "[imports]\ncv2 mine\n[conda]\nheadless mine\n"


@pytest.fixture(scope="module")
def small() -> Table:
    return Table(SMALL)


@pytest.fixture(scope="module")
def shipped() -> Table:
    return table.load()


def row(key: str, *providers: str, rivals: tuple[str, ...] = (), like: str = "", namespace: bool = False) -> Row:
    return Row(key, providers, rivals, like, namespace, "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Same_Name", row("Same_Name", "same-name")),
        ("cv2", row("cv2", "headless", "full")),
        ("discord", row("discord", "discord-py", rivals=("py-cord",))),
        ("panda", row("panda", "panda", like="pandas")),
        ("pkg", row("pkg", "old<82")),
        ("google", row("google", namespace=True)),
        ("otel", row("otel", "otel-api", namespace=True)),
        ("apt", Row("apt", (), (), "", False, "part of a system")),
    ],
)
def test_row__of_each_kind__is_read(small: Table, name: str, expected: Row) -> None:
    assert small.row(name) == expected


@pytest.mark.parametrize("name", ["", "cv", "cv22", "headless", "google-auth", "yaml", "A", "same_name", "py-cord"])
def test_row__of_another_word_in_the_text__is_none(small: Table, name: str) -> None:
    assert small.row(name) is None


def test_row__in_two_tables__the_first_decides() -> None:
    both = Table(FIRST, SMALL)
    assert both.row("cv2") == row("cv2", "mine")
    assert both.conda("headless") == ("mine", "headless")
    assert both.row("panda") == row("panda", "panda", like="pandas")


@pytest.mark.parametrize(
    ("dotted", "significant", "provider"),
    [
        ("cv2.aruco.deep", "cv2", "headless"),
        ("deep.part.more", "deep.part", "other"),
        ("deep.else", "deep", "deep-top"),
        ("google.auth.transport.requests", "google.auth", "google-auth"),
        ("google.cloud.secretmanager", "google.cloud.secretmanager", "google-cloud-secret-manager"),
        ("google.cloud.secretmanager_v1beta2.a", "google.cloud.secretmanager_v1beta2", "google-cloud-secret-manager"),
        ("google.protobuf.message", "google.protobuf", "protobuf"),
        ("google.unknown.part", "google.unknown", None),
        ("google", "google", None),
        ("otel.sdk.trace", "otel.sdk", "otel-sdk"),
        ("otel.trace", "otel", "otel-api"),
        ("otel.exporter.b_c.deep", "otel.exporter.b_c", "otel-exporter-b-c"),
        ("otel.exporter.unknown.deep", "otel.exporter.unknown", None),
        ("otel.exporter", "otel.exporter", None),
        ("otel.contrib.e.deep", "otel.contrib.e", "otel-api-contrib-e"),
        ("otel.contrib.unknown", "otel", "otel-api"),
        ("otel.export", "otel", "otel-api"),
        ("otel.instrumentation.v2", "otel.instrumentation.v2", "otel-instrumentation-v2"),
        ("otel.instrumentation.unknown", "otel.instrumentation", "otel-instrumentation"),
        ("unknown.part", "unknown", None),
        ("googler.auth", "googler", None),
    ],
)
def test_find__dotted__goes_by_the_longest_prefix(
    small: Table, dotted: str, significant: str, provider: str | None
) -> None:
    found = small.find(dotted)
    assert (found.providers[0] if found and found.providers else None) == provider
    assert small.significant(dotted) == significant


def test_find__not_a_namespace__is_not_taken_apart() -> None:
    made = Table("[imports]\naws\naws_cdk *\n[portions]\naws_cdk -core\n")
    assert made.find("aws.cdk.core") == row("aws", "aws")
    assert made.find("aws_cdk.core") == row("aws_cdk.core", "aws-cdk-core")


def test_portions__of_a_namespace__are_its_fillers_in_their_order(small: Table) -> None:
    assert small.portions("google") == ("google-cloud-secret-manager", "google-auth", "protobuf")
    assert small.portions("google.cloud") == ("google-cloud-secret-manager",)
    assert small.portions("otel.exporter") == ("otel-exporter-a", "otel-exporter-b-c", "otel-exporter-d")
    assert small.portions("goo") == small.portions("google.clou") == ()


def test_conda__the_project_s_own_name__comes_last(small: Table) -> None:
    assert small.conda("headless") == ("py-cv", "opencv", "headless")
    assert small.conda("full") == ("full",)


def test_assumed__only_what_is_listed(small: Table) -> None:
    assert small.assumed("famous-thing")
    assert not small.assumed("famous")


@pytest.mark.parametrize("slip", ["pand", "pandaa", "pnada", "pamda", "PANDA1"])
def test_near__one_slip__gives_the_name(small: Table, slip: str) -> None:
    assert small.near(slip) == "panda"


@pytest.mark.parametrize("other", ["panda", "padna1", "cv3", "completely"])
def test_near__the_name_itself_or_two_slips_or_too_short__is_none(small: Table, other: str) -> None:
    assert small.near(other) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Foo.Bar__baz", "foo-bar-baz"), ("ruamel.yaml", "ruamel-yaml"), ("A--B", "a-b"), ("plain", "plain")],
)
def test_canonical__is_as_the_specification_says(name: str, expected: str) -> None:
    assert canonical(name) == expected == re.sub(r"[-_.]+", "-", name).lower()


# The shipped tables

FOLDER = Path(table.__file__).parent / "data"
PROVIDER = r"(?:[a-z0-9]+(?:-[a-z0-9]+)*(?:<\d+)?|conda:[a-z0-9]+(?:[-_.][a-z0-9]+)*)"
ROWS = {
    "imports": rf"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*( ! \S.*|( \*)?( {PROVIDER})*( \|( {PROVIDER})+)?( ~\w+)?)",
    "portions": rf"[A-Za-z_]\w*( -?{PROVIDER})+",
    "conda": rf"{PROVIDER}( \S+)+",
    "assumed": PROVIDER,
}


def sections(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text(encoding="ascii").splitlines():
        if line.startswith("["):
            rows = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            rows.append(line)
    return found


@pytest.mark.parametrize("name", table.FILES)
def test_shipped__every_row__is_well_formed_and_the_only_one_of_its_name(name: str) -> None:
    for section, rows in sections(name).items():
        assert [row for row in rows if not re.fullmatch(ROWS[section], row, re.ASCII)] == []
        assert [key for key, times in Counter(row.split()[0] for row in rows).items() if times > 1] == []


def test_shipped__generated__repeats_nothing_that_is_kept_by_hand() -> None:
    kept = {row.split()[0] for row in sections("kept.txt")["imports"]}
    assert kept & {row.split()[0] for row in sections("generated.txt")["imports"]} == set()


def test_shipped__generated__is_about_as_large_as_it_should_be() -> None:
    found = sections("generated.txt")
    assert len(found["imports"]) > 20_000
    assert sum(" " in row for row in found["imports"]) > 4_500
    assert len(found["portions"]) > 100
    assert sum(len(row.split()) for row in found["portions"]) > 4_500
    assert len(found["conda"]) > 800


def test_shipped__generated__maps_nothing_of_any_standard_library() -> None:
    generated = Table((FOLDER / "generated.txt").read_text(encoding="ascii"))
    rows = {name: generated.row(name) for name in standard_once()}
    assert {name: row for name, row in rows.items() if row and not row.refusal} == {}


def test_shipped__generated__names_its_sources_with_licence_and_date() -> None:
    header = (FOLDER / "generated.txt").read_text(encoding="ascii").split("[imports]")[0]
    for project, licence in (("pigar", "BSD"), ("conda-pypi", "MIT"), ("mypy", "MIT"), ("guarddog", "Apache")):
        assert re.search(rf"{project} [\d.]+ \({licence}[^;]*; data of 20\d\d-\d\d", header)


@pytest.mark.parametrize("name", ["azure", "google", "zope", "sphinxcontrib", "ansys", "nvidia"])
def test_shipped__namespaces__have_portions(shipped: Table, name: str) -> None:
    assert name in shipped.namespaces()
    assert len(shipped.portions(name)) > 3
