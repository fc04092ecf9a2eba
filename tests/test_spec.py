"""The dependency file."""

from __future__ import annotations

import json

import pytest

from python_package.errors import SpecError
from python_package.spec import Spec


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
        ('{"python": "3.11.7", "modules": [], "packages": {}}', "must be a list of package names"),
        ('{"python": "3.11.7", "modules": [], "packages": ["--index-url=x"]}', "which is not a package name"),
        ('{"python": "3.11.7", "modules": [], "packages": ["a @ http://x"]}', "which is not a package name"),
        ('{"python": "3.11", "modules": []}', "a full version"),
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
