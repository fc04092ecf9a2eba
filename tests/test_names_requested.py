"""Packages that are asked for by their own names."""

from __future__ import annotations

import sys

import pytest

from python_package import names, resolution
from python_package.errors import UsageError
from python_package.spec import Spec


def test_requested__names__are_packages_of_channel_and_index() -> None:
    numpy, graphviz = names.requested(("NumPy>=1.2", "conda:graphviz"))
    assert (numpy.pypi, numpy.version) == ("numpy", ">=1.2")
    assert "numpy" in numpy.conda
    assert (graphviz.pypi, graphviz.conda) == ("", ("graphviz",))


def test_requested__what_is_no_package__is_refused() -> None:
    with pytest.raises(UsageError):
        names.requested(("a @ http://127.0.0.1/a.whl",))


def test_resolve__mapping_and_packages_of_the_dependency_file__count() -> None:
    spec = Spec("3.11.7", ("cv2",), (("cv2", "opencv-python-headless"),), ("dill",))
    assert [package.pypi for package in resolution.resolve(spec, sys.executable).packages] == [
        "opencv-python-headless",
        "dill",
    ]
    chosen = resolution.resolve(spec, sys.executable, mapping={"cv2": "opencv-contrib-python"})
    assert chosen.packages[0].pypi == "opencv-contrib-python"
