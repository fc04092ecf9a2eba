"""Packages that are asked for by their own names."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from python_package import import_names
from python_package.create import requirements
from python_package.create.options import CreateOptions
from python_package.errors import UsageError
from python_package.spec import Spec, is_package


def test_requested__names__are_packages_of_channel_and_index() -> None:
    numpy, graphviz = import_names.requested(("NumPy>=1.2", "conda:graphviz"))
    assert (numpy.pypi, numpy.version) == ("numpy", ">=1.2")
    assert "numpy" in numpy.conda
    assert (graphviz.pypi, graphviz.conda) == ("", ("graphviz",))


def test_requested__extras_and_only_pypi__are_kept_apart_from_the_name() -> None:
    requests, dill = import_names.requested(("Requests[socks]>=2", "pypi:dill"))
    assert (requests.pypi, requests.extras, requests.version) == ("requests", "[socks]", ">=2")
    assert requests.conda == ("requests",)
    assert (dill.pypi, dill.conda) == ("dill", ())


@pytest.mark.parametrize(
    ("package", "known"),
    [
        ("reqeusts", "requests"),
        ("Reqeusts[socks]>=2", "requests"),
        ("pypi:nunpy", "numpy"),
        ("scikit-leran", "scikit-learn"),
        ("matplotlip", "matplotlib"),
        ("google-cloud-storag", "google-cloud-storage"),
    ],
)
def test_requested__a_slip__is_said(package: str, known: str) -> None:
    (found,) = import_names.requested((package,))
    assert found.note == f"{package}: one letter away from {known}, which is better known"


@pytest.mark.parametrize(
    "package",
    ["requests", "NumPy", "scikit_learn", "ruamel.yaml", "pytest", "opencv-contrib-python", "conda:reqeusts", "qzxwv",
     "google-cloud-storage", "fastmcp-slim", "setuptools"],
)  # fmt: skip
def test_requested__a_known_project_or_nothing_like_one__needs_no_note(package: str) -> None:
    (found,) = import_names.requested((package,))
    assert found.note == ""


@pytest.mark.parametrize("package", ["a @ http://127.0.0.1/a.whl", "a; os_name=='x'", "", "conda:a[b]", "a b"])
def test_requested__what_is_no_package__is_refused(package: str) -> None:
    with pytest.raises(UsageError, match=r"^packages: .* is not the name of a package"):
        import_names.requested((package,))


@pytest.mark.parametrize(
    "package", ["a", "A.b_c", "a[b,c]", "a[b]>=1,<2", "a >=1", "a==1.0+cu118", "pypi:a", "conda:a>=1", "a~=1.0"]
)
def test_requested__whatever_a_dependency_file_may_hold__is_read(package: str) -> None:
    assert is_package(package)
    (found,) = import_names.requested((package,))
    assert found.pypi or found.conda


def test_resolve__mapping_and_packages_of_the_dependency_file__count() -> None:
    spec = Spec("3.11.7", ("cv2",), (("cv2", "opencv-python-headless"),), ("dill",))
    options = CreateOptions(python=sys.executable)
    found = requirements.resolve(spec, options).packages
    assert [package.pypi for package in found] == ["opencv-python-headless", "dill"]
    chosen = requirements.resolve(spec, replace(options, mapping={"cv2": "opencv-contrib-python"}))
    assert chosen.packages[0].pypi == "opencv-contrib-python"
