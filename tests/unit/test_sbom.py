"""The bill of materials: valid CycloneDX with every package, the same bytes for the same content, nothing private."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from locks import LOCAL, MD5, PACKAGES, SHA256, WHEEL, locked

from python_package.create import sbom
from python_package.pack import Manifest


def prefix(tmp_path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """Return an environment whose installed distributions have these texts as more of METADATA."""
    for name, more in (metadata or {}).items():
        info = tmp_path / "env" / "lib" / "python3.11" / "site-packages" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{more}")
    return tmp_path / "env"


def manifest(content: str = "0123", **fields: Any) -> Manifest:
    return Manifest(content, "linux-64", "2.36", "3.11.7", 1, 1, 1, (), **fields)


def bill(tmp_path: Path, metadata: Mapping[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    text = sbom.to_json(locked(tmp_path, **fields), prefix(tmp_path, metadata), "env", manifest())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def component(bill: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in bill["components"] if each["name"] == name)
    return dict(found)


def needs(bill: Mapping[str, Any], name: str) -> set[str]:
    """Return the names of what a component depends on; the environment itself is `env`."""
    names = {each["bom-ref"]: each["name"] for each in [*bill["components"], bill["metadata"]["component"]]}
    (found,) = (each for each in bill["dependencies"] if names[each["ref"]] == name)
    return {names[ref] for ref in found.get("dependsOn", ())}


def test_to_json__lock__has_every_package_with_version_and_sum(tmp_path: Path) -> None:
    made = bill(tmp_path)
    assert len(made["components"]) == len(PACKAGES) + 2
    full = component(made, "full")
    assert full["purl"] == "pkg:conda/full@1.0?build=h1_3&channel=main&subdir=linux-64&type=conda"
    assert full["hashes"] == [{"alg": "MD5", "content": MD5}, {"alg": "SHA-256", "content": SHA256}]
    assert full["licenses"] == [{"license": {"id": "MIT"}}]
    assert component(made, "old_name")["purl"].endswith("type=tar.bz2")
    wheel = component(made, "onlypypi")
    assert wheel["purl"] == "pkg:pypi/onlypypi@1.0"
    assert wheel["hashes"] == [{"alg": "SHA-256", "content": WHEEL.sha256}]
    assert wheel["externalReferences"] == [{"type": "distribution", "url": WHEEL.location}]


def test_to_json__same_content_at_another_place_and_time__is_the_same_text(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    texts = []
    for place in (one, two):
        place.mkdir()
        texts.append(sbom.to_json(locked(place), prefix(place, {"onlypypi": "License: MIT\n"}), "env", manifest()))
    assert texts[0] == texts[1]
    assert "timestamp" not in json.loads(texts[0])["metadata"]


def test_to_json__another_content__has_another_serial_number(tmp_path: Path) -> None:
    made = [
        json.loads(sbom.to_json(locked(tmp_path), prefix(tmp_path), "env", manifest(content))) for content in ("1", "2")
    ]
    assert made[0]["serialNumber"] != made[1]["serialNumber"]


def test_to_json__what_the_machine_must_have__is_told_of_the_environment(tmp_path: Path) -> None:
    needs = manifest(
        glibc_of="lib/it.so",
        microarchitecture=("x86_64_v3", "fast"),
        libraries=(("libcuda.so.1", "lib/it.so"), ("libGL.so.1", "lib/other.so")),
    )
    text = sbom.to_json(locked(tmp_path), prefix(tmp_path), "env", needs)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = [(each["name"], each["value"]) for each in json.loads(text)["metadata"]["component"]["properties"]]
    assert sorted(found) == [
        ("python_package:needs:glibc", "2.36"),
        ("python_package:needs:glibc-of", "lib/it.so"),
        ("python_package:needs:library", "libGL.so.1 lib/other.so"),
        ("python_package:needs:library", "libcuda.so.1 lib/it.so"),
        ("python_package:needs:microarchitecture", "x86_64_v3 fast"),
    ]


@pytest.mark.parametrize("channel", ["https://me:secret@channel.example/main", "file:///home/me/secret/channel"])
def test_to_json__private_addresses__are_not_in_it(tmp_path: Path, channel: str) -> None:
    wheels = (replace(WHEEL, location="https://me:secret@index.example/onlypypi-1.0-py3-none-any.whl"), LOCAL)
    lock = locked(tmp_path, channel, distributions=wheels)
    text = sbom.to_json(lock, prefix(tmp_path), "env", manifest())
    assert "secret" not in text
    assert "home" not in text


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: something else\n", [{"expression": "MIT OR Apache-2.0"}]),
        ("License: BSD-3-Clause\n", [{"license": {"id": "BSD-3-Clause"}}]),
        ("License: Our Own License\n", [{"license": {"name": "Our Own License"}}]),
        ("License: " + "long text " * 20 + "\nClassifier: License :: OSI Approved :: MIT License\n",
         [{"license": {"name": "MIT License"}}]),
        ("License: UNKNOWN\nClassifier: Topic :: Software\n", None),
        ("", None),
    ],
)  # fmt: skip
def test_to_json__licence_of_a_distribution__is_as_its_metadata_says(
    tmp_path: Path, metadata: str, licence: list[Any] | None
) -> None:
    assert component(bill(tmp_path, {"onlypypi": metadata}), "onlypypi").get("licenses") == licence


def test_to_json__dependencies__are_those_that_count_in_this_environment(tmp_path: Path) -> None:
    requires = ["pure>=1", "Old.Name; python_version < '4'", "mine; sys_platform == 'win32'", "full; extra == 'all'",
                "not a requirement ;;", "elsewhere"]  # fmt: skip
    text = "".join(f"Requires-Dist: {each}\n" for each in requires)
    made = bill(tmp_path, {"onlypypi": text})
    assert needs(made, "onlypypi") == {"pure"}
    assert needs(made, "mine") == set()
    assert needs(made, "full") == set()  # its python and libc are not in this lock
    assert needs(made, "env") == {"full", "generic", "mine", "old_name", "onlypypi", "plain"}


def test_to_json__conda_packages_depend_on_each_other__says_so(tmp_path: Path) -> None:
    made = locked(tmp_path)
    depends = ("generic >=1,<2", "channel::pure", "python")
    packages = [replace(each, depends=depends) if each.name == "plain" else each for each in made.records]
    asked = replace(made, specs=("python ==3.11.7", "generic <2"), records=tuple(packages))
    bill = json.loads(sbom.to_json(asked, prefix(tmp_path), "env", manifest()))
    assert needs(bill, "plain") == {"generic", "pure"}
    assert needs(bill, "env") == {"full", "generic", "mine", "old_name", "onlypypi", "plain"}
