"""All caches are in one place."""

from __future__ import annotations

import pytest

from python_package.files import caches


@pytest.mark.parametrize(
    ("value", "expected"),
    [("/c", "/c"), ("relative", "/home/someone/.cache"), ("", "/home/someone/.cache"), (None, "/home/someone/.cache")],
)
def test_folder__xdg_cache_home__counts_if_absolute(
    monkeypatch: pytest.MonkeyPatch, value: str | None, expected: str
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert str(caches.folder("layers")) == f"{expected}/python_package/layers"
