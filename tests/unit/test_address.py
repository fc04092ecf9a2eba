"""Addresses that never show what is secret in them."""

from __future__ import annotations

import json

import pytest

from python_package.address import Address, listed, scrub
from python_package.errors import SolveError

_SHOWN = [
    ("https://conda.example/channel", "https://conda.example/channel"),
    ("https://user:s3cret@conda.example/channel", "https://conda.example/channel"),
    ("https://s3cret@conda.example/channel", "https://conda.example/channel"),
    ("https://user:p@s3cret@conda.example:8080/channel", "https://conda.example:8080/channel"),
    ("https://user:p/s3cret@conda.example/channel", "https://conda.example/channel"),
    ("https://user:99/s3cret@conda.example/channel", "https://user:99/s3cret@conda.example/channel"),  # a path
    ("https://user:s3cret%40x@conda.example", "https://conda.example"),
    ("HTTPS://user:s3cret@conda.example", "HTTPS://conda.example"),
    ("https://conda.example/t/s3cret/channel", "https://conda.example/channel"),
    ("https://conda.example/t/s3cret", "https://conda.example/"),
    ("https://conda.example/conda/t/s3cret/channel", "https://conda.example/conda/channel"),
    ("https://conda.example/part/s3/channel", "https://conda.example/part/s3/channel"),
    ("t/s3cret/channel", "channel"),
    ("https://pypi.example/simple/?token=s3cret", "https://pypi.example/simple/"),
    ("https://pypi.example/a.whl?raw=true&access_token=s3cret", "https://pypi.example/a.whl?raw=true"),
    ("https://pypi.example/a.whl?X-Amz-Signature=s3cret&X-Amz-Date=1", "https://pypi.example/a.whl"),
    ("https://pypi.example/a.whl?sig=s3cret#sha256=0123456789abcdef0123", None),
    ("https://pypi.example/a.whl?k=S3cret0123456789abcdef", "https://pypi.example/a.whl"),
    ("https://pypi.example/a.whl?S3cret0123456789abcdef", "https://pypi.example/a.whl"),
    ("https://pypi.example/a.whl#token=s3cret", "https://pypi.example/a.whl"),
    ("git+https://user:s3cret@host.example/t/repo@0123456789abcdef0123", None),
    ("git+ssh://git:s3cret@host.example/repo", "git+ssh://git@host.example/repo"),
    ("git+ssh://git@host.example/repo", "git+ssh://git@host.example/repo"),
    ("git@host.example:repo", "git@host.example:repo"),
    ("file:///srv/t/channel/x", "file:///srv/t/channel/x"),
    ("/srv/t/channel/x", "/srv/t/channel/x"),
    ("conda-forge", "conda-forge"),
    ("conda-forge/label/t/x", "conda-forge/label/t/x"),
    ("", ""),
]


@pytest.mark.parametrize(("whole", "shown"), _SHOWN)
def test_address__any_form__shows_no_secret_and_reveals_the_whole(whole: str, shown: str | None) -> None:
    address = Address(whole)
    texts = {str(address), f"{address}", f"{address:s}", format(address), "%s" % address, listed([address])}  # noqa: UP031
    assert len(texts) == 1
    if shown is not None:
        assert texts == {shown}
    if "path" not in whole and "99/" not in whole:
        assert "s3cret" not in f"{texts}{address!r}{[address]}".lower()
    assert address.reveal() == whole


def test_address__sum_and_commit__are_no_secrets() -> None:
    assert str(Address("https://h.example/a.whl?sig=x#sha256=0123456789abcdef0123")).endswith(
        "/a.whl#sha256=0123456789abcdef0123"
    )
    assert str(Address("git+https://u:p@h.example/t/repo@0123456789abcdef0123")) == (
        "git+https://h.example/t/repo@0123456789abcdef0123"
    )


def test_address__as_json__is_refused_until_somebody_decides_how_to_show_it() -> None:
    with pytest.raises(TypeError):
        json.dumps(Address("https://user:s3cret@host.example"))


def test_address__two_with_other_passwords__are_not_the_same() -> None:
    one, other = Address("https://a:b@h.example"), Address("https://a:c@h.example")
    assert one != other
    assert len({one, other, Address("https://a:b@h.example")}) == 2


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "error sending request for url (https://u:s3cret@h.example/x)",
            "error sending request for url (https://h.example/x)",
        ),
        ("cannot get https://h.example/?token=s3cret: refused", "cannot get https://h.example/: refused"),
        (
            '["https://h.example/t/s3cret/a","https://u:s3cret@h.example"]',
            '["https://h.example/a","https://h.example"]',
        ),
        ("'https://u:s3)cret\"@h.example/x'.", "'https://h.example/x'."),
        ("invalid port in https://u:a/s3cret@h.example/x", "invalid port in https://h.example/x"),
        ("--channel=https://u:s3cret@h.example/x", "--channel=https://h.example/x"),
        ("no address here, user:pw@ or t/x/y", "no address here, user:pw@ or t/x/y"),
    ],
)
def test_scrub__text_of_another_program__has_no_secret_left(text: str, clean: str) -> None:
    assert scrub(text) == clean


def test_package_error__words_of_another_program__shows_no_secret() -> None:
    error = SolveError("uv: cannot read https://user:s3cret@pypi.example/simple/?token=s3cret at all")
    assert str(error) == "uv: cannot read https://pypi.example/simple/ at all"
