"""A software bill of materials (CycloneDX) of an environment: every package, with its sum, licence and dependencies."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import InvalidRequirement, Requirement

from python_package import __version__
from python_package.address import Address
from python_package.files.prefix import Prefix
from python_package.import_names.installed import named
from python_package.lock import CondaPackage, Distribution, Lock
from python_package.pack import Manifest
from python_package.pypi.platforms import markers_of
from python_package.spec import canonical

# Longer ones are not a licence's name but its text, which some projects put in that field.
_LICENCE_LENGTH = 100

# What the serial numbers are made from (RFC 4122): the same content has the same number.
_NAMESPACE = uuid.UUID("6f0a2f8e-6f5b-5c0e-9a53-0f1d5a3c7b11")


def to_json(lock: Lock, prefix: Path, name: str, manifest: Manifest) -> str:
    """Return the bill of the environment `name`, made of a lock in `prefix`; `manifest` is its tarball's.

    It depends on these alone: nothing of the time or the machine is in it.
    """
    content = manifest.id
    installed = named(Prefix(prefix).distributions())
    conda = {package.name.lower(): package for package in lock.records}  # as it was written in a lock
    pypi = {canonical(each.name): each for each in lock.distributions}
    components: dict[str, Component] = {f"conda:{name}": _conda(package) for name, package in conda.items()}
    components |= {f"pypi:{name}": _pypi(each, installed.get(name)) for name, each in pypi.items()}
    needs = {
        f"conda:{name}": {f"conda:{need.lower()}" for need in package.needs} & set(components)
        for name, package in conda.items()
    }
    for distribution in pypi:
        wanted = _pypi_needs(installed.get(distribution), lock)
        both = (f"pypi:{each}" if each in pypi else f"conda:{each}" for each in wanted)
        needs[f"pypi:{distribution}"] = set(both) & set(components)
    root = Component(name=name, version=content, type=ComponentType.PLATFORM, bom_ref=f"environment:{content}")
    target = lock.target.to_json() if lock.target else {}
    told = [*((f"target:{key}", value) for key, value in target.items()), *_needs(manifest)]
    root.properties.update(Property(name=f"python_package:{key}", value=value) for key, value in told)
    bom = Bom(components=components.values(), serial_number=uuid.uuid5(_NAMESPACE, f"{name} {content}"))
    tool = Component(name="python-packaging-utilities", version=__version__, type=ComponentType.APPLICATION)
    bom.metadata = BomMetaData(component=root)
    bom.metadata.tools.components.add(tool)
    bom.metadata.timestamp = None  # type: ignore[assignment]  # its default is now
    for key, component in components.items():
        bom.register_dependency(component, [components[other] for other in needs[key] - {key}])
    needed = set().union(*(others - {key} for key, others in needs.items()))
    asked = {f"conda:{spec.split()[0]}" for spec in lock.specs} | (set(components) - needed)
    bom.register_dependency(root, [components[key] for key in asked & set(components)])
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def _needs(manifest: Manifest) -> Iterable[tuple[str, str]]:
    """Yield what the machine must have, and what was left out, as the manifest says it: name and rest of a line."""
    yield "needs:glibc", manifest.glibc
    if manifest.glibc_of:
        yield "needs:glibc-of", manifest.glibc_of
    if manifest.microarchitecture:
        yield "needs:microarchitecture", " ".join(manifest.microarchitecture)
    if manifest.slim:
        yield "slim", ",".join(manifest.slim)
    for library in manifest.libraries:
        yield "needs:library", " ".join(library)


def _conda(package: CondaPackage) -> Component:
    url = str(Address(package.url))
    kind = "conda" if package.file_name.endswith(".conda") else "tar.bz2"
    qualifiers = {"build": package.build, "subdir": package.subdir, "type": kind}
    if not url.startswith("file:"):
        qualifiers["channel"] = str(Address(package.channel)).rstrip("/").rpartition("/")[2]
    purl = PackageURL("conda", None, package.name.lower(), package.version, qualifiers)
    hashes = {HashAlgorithm.SHA_256: package.sha256, HashAlgorithm.MD5: package.md5}
    return _component(purl, url, {kind: value for kind, value in hashes.items() if value}, package.license)


def _pypi(distribution: Distribution, installed: metadata.Distribution | None) -> Component:
    purl = PackageURL("pypi", None, canonical(distribution.name), distribution.version)
    hashes = {HashAlgorithm.SHA_256: distribution.sha256} if distribution.sha256 else {}
    return _component(purl, str(Address(distribution.location)), hashes, _licence(installed))


def _component(purl: PackageURL, url: str, hashes: Mapping[HashAlgorithm, str], licence: str) -> Component:
    references = []
    if not url.startswith("file:"):  # where it is on one machine is nobody else's business
        references.append(ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(url)))
    return Component(
        name=purl.name,
        version=purl.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[HashType(alg=kind, content=value) for kind, value in hashes.items()],
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        external_references=references,
    )


def _licence(installed: metadata.Distribution | None) -> str:
    """Return what a distribution says of its licence: an SPDX expression, else a short name, else a classifier."""
    if installed is None:
        return ""

    def field(name: str) -> list[str]:
        return [str(value).strip() for value in installed.metadata.get_all(name) or ()]

    for text in (*field("License-Expression"), *field("License")):
        if text not in ("", "UNKNOWN") and "\n" not in text and len(text) <= _LICENCE_LENGTH:
            return text
    classifiers = (text.rpartition(" :: ")[2] for text in field("Classifier") if text.startswith("License ::"))
    return next(classifiers, "")


def _pypi_needs(installed: metadata.Distribution | None, lock: Lock) -> Iterable[str]:
    """Yield the canonical names of what a distribution needs without its extras."""
    yield "python"
    python = next((each.version for each in lock.records if each.name == "python"), "")
    environment = dict[str, str](**markers_of(python, lock.platform), extra="")
    for text in (installed.requires if installed else None) or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # of a time before the specification
        if not requirement.marker or requirement.marker.evaluate(environment):
            yield canonical(requirement.name)
