"""What a machine has that packages may depend on: Conda's virtual packages, of this machine or of a target."""

from __future__ import annotations

import re

from rattler import BuildString, GenericVirtualPackage, PackageName, Version, VirtualPackage, VirtualPackageOverrides

from python_package.target import Target


def of(target: Target | None) -> list[GenericVirtualPackage]:
    """Return the virtual packages of a target, or of this machine, for which the variables CONDA_OVERRIDE_* count."""
    if target is None:
        return [each.into_generic() for each in VirtualPackage.detect(VirtualPackageOverrides.from_env())]
    said = {
        "__unix": ("0", "0"),
        "__linux": (target.kernel, "0"),
        "__glibc": ("{}.{}".format(*target.glibc), "0"),
        "__cuda": (target.cuda, "0"),
        "__archspec": (target.microarchitecture and "1", target.microarchitecture),
    }
    return [
        GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
        for name, (version, build) in said.items()
        if version
    ]


def told(reason: str, target: Target | None) -> str:
    """Return what the machine has of the virtual packages that a solver's reason names, "" if it names none."""
    has = {each.name.normalized: each for each in of(target)}
    said = [
        f"{name} {has[name].version} {has[name].build_string}".removesuffix(" 0") if name in has else f"no {name}"
        for name in sorted(set(re.findall(r"(?<!\S)__[a-z]+", reason)))
    ]
    return f"; {target or 'this machine'} has {', '.join(said)}" if said else ""
