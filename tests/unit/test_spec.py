"""The dependency file."""

from __future__ import annotations

import json

import pytest

from python_package.errors import SpecError
from python_package.spec import Pin, Spec, placed


def test_to_json__man_page_example__is_the_man_page_line() -> None:
    spec = Spec("3.7.3", ("antigravity", "matplotlib"))
    assert spec.to_json() == '{"python": "3.7.3", "modules": ["antigravity", "matplotlib"]}\n'


def test_from_json__what_to_json_wrote__is_the_same_spec() -> None:
    spec = Spec("3.13.0rc1", ("google.cloud", "numpy", "ñandú"))
    assert Spec.from_json(spec.to_json(), "x.json") == spec


def test_from_json__modules_unsorted_and_repeated__are_sorted_and_unique() -> None:
    text = json.dumps({"modules": ["yaml", "numpy", "yaml"], "python": "3.11.7"})
    assert Spec.from_json(text, "x.json").modules == ("numpy", "yaml")


def test_from_json__mapping_and_packages__are_what_to_json_wrote() -> None:
    spec = Spec("3.11.7", ("cv2",), (("cv2", "opencv-python<5"),), ("conda:graphviz", "dill", "numpy >=1.2, <2"))
    assert json.loads(spec.to_json())["mapping"] == {"cv2": "opencv-python<5"}
    assert Spec.from_json(spec.to_json(), "x.json") == spec


def test_from_json__every_key__is_what_to_json_wrote() -> None:
    spec = Spec(
        "3.11.7",
        ("cv2", "google.cloud.storage", "mine"),
        packages=("conda:graphviz", "pypi:dill", "requests[socks,use_chardet] >=2"),
        optional=("cv2",),
        pins=(
            Pin("cv2", "opencv-python", "4.9.0.80", "pypi"),
            Pin("mine", "my-lib", "0.1", "editable", "file:///mine"),
        ),
        local=(("helpers", "/home/ann/helpers"), ("util", "/home/ann/util.py")),
        channels=("nodefaults", "conda-forge"),
        submodules=("cv2.gapi", "cv2.mat_wrapper"),
        deferred=("cv2.gapi",),
        names=(("cv2", "imread"), ("cv2", "imwrite"), ("cv2.mat_wrapper", "Mat")),
    )
    assert json.loads(spec.to_json())["names"] == {"cv2": ["imread", "imwrite"], "cv2.mat_wrapper": ["Mat"]}
    assert json.loads(spec.to_json())["pins"]["cv2"] == {
        "package": "opencv-python", "version": "4.9.0.80", "source": "pypi"
    }  # fmt: skip
    assert Spec.from_json(spec.to_json(), "x.json") == spec


@pytest.mark.parametrize("python", [">=3.14", ">=3.12,<3.14", "~=3.9.2", "==3.11.*", "!=3.12.1, >3.8"])
def test_from_json__range_of_pythons__is_taken(python: str) -> None:
    spec = Spec(python, ("numpy",))
    assert Spec.from_json(spec.to_json(), "x.json") == spec


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("optional", ["numpy"], "'numpy', which \"modules\" does not"),
        ("optional", ["a b"], "'a b', which is not an import name"),
        ("submodules", "numpy.linalg", "must be a list, each item an import name"),
        ("submodules", ["numpy..linalg"], "'numpy..linalg', which is not an import name"),
        ("deferred", ["numpy.linalg"], "'numpy.linalg', which \"submodules\" does not"),
        ("names", ["numpy"], "each value a list of names"),
        ("names", {"numpy": "array"}, "'array', which is not a list of names"),
        ("names", {"numpy": ["a.b"]}, "['a.b'], which is not a list of names"),
        ("names", {"numpy": [1]}, "[1], which is not a list of names"),
        ("names", {"a b": ["c"]}, "'a b', which is not an import name"),
        ("pins", [], "each value a pin"),
        ("pins", {"a": "1.0"}, "the pin of a must have"),
        ("pins", {"a": {"package": "a", "version": "1.0"}}, "the pin of a must have"),
        ("pins", {"a": {"package": "a", "version": 1, "source": "pypi"}}, "the pin of a must have"),
        ("pins", {"a": {"package": "a", "version": "1", "source": "pypi", "more": "x"}}, "the pin of a must have"),
        ("pins", {"a": {"package": "a", "version": "1", "source": "afar"}}, "one of conda, pypi"),
        ("pins", {"a": {"package": "-a", "version": "1", "source": "pypi"}}, "not a package's name"),
        ("pins", {"a": {"package": "a", "version": "1 --x", "source": "pypi"}}, "not a package's name"),
        ("local", {"a": ""}, "'', which is not a path"),
        ("local", {"a/b": "/x"}, "'a/b', which is not an import name"),
        ("channels", "conda-forge", "each item a channel"),
        ("channels", [1], "1, which is not a channel"),
    ],
)
def test_from_json__invalid_addition__names_the_file_and_the_fault(key: str, value: object, says: str) -> None:
    text = json.dumps({"python": "3.11.7", "modules": ["a"], key: value})
    with pytest.raises(SpecError) as caught:
        Spec.from_json(text, "deps.json")
    assert str(caught.value).startswith("deps.json: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ('{"python": "3.11.7"}', 'the key "modules" is missing'),
        ('{"modules": []}', 'the key "python" is missing'),
        ('{"python": "3.11.7", "modules": [], "extra": 1}', 'unknown key "extra"'),
        ('{"python": "3.11.7", "modules": [], "mapping": []}', "must be an object"),
        ('{"python": "3.11.7", "modules": [], "mapping": {"a-b": "x"}}', "'a-b', which is not an import name"),
        ('{"python": "3.11.7", "modules": [], "mapping": {"a": 1}}', "1, which is not a package name"),
        ('{"python": "3.11.7", "modules": [], "mapping": {"a": "-x"}}', "'-x', which is not a package name"),
        ('{"python": "3.11.7", "modules": [], "packages": {}}', "must be a list, each item a package name"),
        ('{"python": "3.11.7", "modules": [], "packages": ["--index-url=x"]}', "which is not a package name"),
        ('{"python": "3.11.7", "modules": [], "packages": ["a @ http://x"]}', "which is not a package name"),
        ('{"python": "3.11", "modules": []}', "a full version"),
        ('{"python": "", "modules": []}', "a full version"),
        ('{"python": ">=3.x", "modules": []}', "or a range such as \">=3.12,<3.14\", not '>=3.x'"),
        ('{"python": "3.12,<4", "modules": []}', "a range"),
        ('{"python": ">=3.12; rm", "modules": []}', "a range"),
        ('{"python": 3.11, "modules": []}', "a full version"),
        ('{"python": "3.11.7; rm -rf /", "modules": []}', "a full version"),
        ('{"python": "3.11.7\\n", "modules": []}', "a full version"),
        ('{"python": "3.11.7", "modules": "numpy"}', "must be a list"),
        ('{"python": "3.11.7", "modules": [1]}', "not an import name"),
        ('{"python": "3.11.7", "modules": ["num-py"]}', "not an import name"),
        ('{"python": "3.11.7", "modules": ["--index-url=x"]}', "not an import name"),
        ('{"python": "3.11.7", "modules": [""]}', "not an import name"),
    ],
)
def test_from_json__invalid_content__names_the_file_and_the_fault(text: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        Spec.from_json(text, "deps.json")
    assert str(caught.value).startswith("deps.json: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "indexes",
    [
        {},
        ["https://x"],
        [{"url": "https://x"}],
        [{"url": "https://x", "use": "perhaps"}],
        [{"url": "", "use": "extra"}],
        [{"url": "https://x", "use": "explicit", "packages": "y"}],
        [{"url": "https://x", "use": "extra", "more": 1}],
    ],
)
def test_from_json__indexes_that_are_none__are_refused(indexes: object) -> None:
    with pytest.raises(SpecError, match=r"indexes|packages"):
        Spec.from_json(json.dumps({"python": "3.11.7", "modules": [], "indexes": indexes}), "deps.json")


def test_from_json__pin_without_a_version__must_have_a_place() -> None:
    pin = {"package": "x", "source": "local", "url": "file:///x"}
    text = json.dumps({"python": "3.11.7", "modules": [], "pins": {"x": pin}})
    assert Spec.from_json(text, "deps.json").pins == (placed("x", "file:///x"),)
    assert Spec.from_json(Spec.from_json(text, "deps.json").to_json(), "deps.json").pins == (placed("x", "file:///x"),)
    del pin["url"]
    with pytest.raises(SpecError, match='the pin of x must have "package", "version" and "source"'):
        Spec.from_json(json.dumps({"python": "3.11.7", "modules": [], "pins": {"x": pin}}), "deps.json")
