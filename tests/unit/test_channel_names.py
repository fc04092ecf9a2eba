"""Channels' names and URLs -> where they are. What is right is what conda's own tests and documentation say."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_package.conda import condarc

# The configurations of conda's tests/models/test_channel.py and tests/base/test_context.py, by their names there.
_CONFIGURATIONS = {
    "nothing": "",
    "testdata": """
custom_channels:
  darwin: https://some.url.somewhere/stuff
  chuck: http://user1:pass2@another.url:8080/t/tk-1234/with/path
  pkgs/anaconda: http://192.168.0.15:8080
migrated_custom_channels:
  darwin: s3://just/cant
  chuck: file:///var/lib/repo/
  pkgs/anaconda: https://repo.anaconda.com
migrated_channel_aliases:
  - https://conda.anaconda.org
channel_alias: ftp://new.url:8082
default_channels:
  - http://192.168.0.15:8080/pkgs/anaconda
  - http://192.168.0.15:8080/pkgs/pro
  - http://192.168.0.15:8080/pkgs/msys2
""",
    "testdata3": """
custom_channels:
  chuck: http://user1:pass2@another.url:8080/with/path/t/tk-1234
  chuck/subchan: http://user33:pass44@another.url:8080/with/path/t/tk-1234
channel_alias: ftp://nm:ps@new.url:8082/t/zyx-wvut/
default_channels:
  - http://192.168.0.15:8080/pkgs/anaconda
  - donald/label/main
  - http://us:pw@192.168.0.15:8080/t/tkn-123/pkgs/r
""",
    "server": """
channel_alias: https://10.2.3.4:8080/conda/t/tk-123-45
migrated_channel_aliases:
  - https://conda.anaconda.org
  - http://10.2.3.4:7070/conda
""",
    "multi": """
custom_multichannels:
  michele:
    - https://do.it.with/passion
    - learn_from_every_thing
  steve:
    - more-downloads
  defaults:
    - https://cannot.be.changed/here
channel_alias: https://new.url:8082
""",
    "mirror": """
channel_alias: http://mirror.example/conda
""",
    "main": """
custom_channels:
  pkgs/main: https://mirror.example/main
  conda-forge: https://mirror.example/anaconda/cloud
""",
    "free": """
restore_free_channel: true
""",
}

_SECRETS = ("pass2", "pass4", "newp", "tk-", "tkn-", "token", "zyx-", "x102", "ps@", "pw@")

_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")

# Configuration, what is named, and the URLs that conda connects to (urls(with_credentials=True), without the subdir).
_RESOLVED: list[tuple[str, str, tuple[str, ...]]] = [
    ("nothing", "conda-forge", ("https://conda.anaconda.org/conda-forge",)),
    ("nothing", "conda-forge/label/dev", ("https://conda.anaconda.org/conda-forge/label/dev",)),
    ("nothing", "defaults", _DEFAULTS),
    ("nothing", "pkgs/main", _DEFAULTS[:1]),
    ("nothing", "pkgs/main/linux-64", _DEFAULTS[:1]),
    ("nothing", "pkgs/pro", ("https://repo.anaconda.com/pkgs/pro",)),
    ("nothing", "main", ("https://conda.anaconda.org/main",)),
    ("nothing", "http://test/conda/anaconda-cluster", ("http://test/conda/anaconda-cluster",)),
    ("nothing", "https://h.example/a/", ("https://h.example/a",)),
    ("nothing", "https://h.example/a/linux-64", ("https://h.example/a",)),
    ("nothing", "https://h.example/a/osx-64", ("https://h.example/a/osx-64",)),
    ("nothing", "https://h.example:8080", ("https://h.example:8080",)),
    ("nothing", "https://u:p@h.example/t/tk-1/a", ("https://u:p@h.example/t/tk-1/a",)),
    (
        "nothing",
        "https://10.2.8.9:8080/conda/t/tk-987-321/bioconda",
        ("https://10.2.8.9:8080/conda/t/tk-987-321/bioconda",),
    ),
    ("nothing", "file:///machine/shared_folder", ("file:///machine/shared_folder",)),
    ("nothing", "/srv/channel", ("/srv/channel",)),
    ("free", "defaults", (_DEFAULTS[0], "https://repo.anaconda.com/pkgs/free", _DEFAULTS[1])),
    ("mirror", "bioconda", ("http://mirror.example/conda/bioconda",)),
    ("mirror", "defaults", _DEFAULTS),
    ("mirror", "pkgs/main", _DEFAULTS[:1]),
    ("main", "pkgs/main", ("https://mirror.example/main/pkgs/main",)),
    ("main", "conda-forge", ("https://mirror.example/anaconda/cloud/conda-forge",)),
    ("main", "conda-forge/label/rc", ("https://mirror.example/anaconda/cloud/conda-forge/label/rc",)),
    ("main", "defaults", _DEFAULTS),
    ("multi", "michele", ("https://do.it.with/passion", "https://new.url:8082/learn_from_every_thing")),
    ("multi", "steve", ("https://new.url:8082/more-downloads",)),
    ("multi", "defaults", _DEFAULTS),
    ("testdata", "pkgs/anaconda", ("http://192.168.0.15:8080/pkgs/anaconda",)),
    ("testdata", "https://repo.anaconda.com/pkgs/anaconda", ("http://192.168.0.15:8080/pkgs/anaconda",)),
    (
        "testdata",
        "https://repo.anaconda.com/pkgs/anaconda/label/dev",
        ("http://192.168.0.15:8080/pkgs/anaconda/label/dev",),
    ),
    ("testdata", "pkgs/pro", ("http://192.168.0.15:8080/pkgs/pro",)),
    ("testdata", "https://repo.anaconda.com/pkgs/pro", ("https://repo.anaconda.com/pkgs/pro",)),
    ("testdata", "darwin", ("https://some.url.somewhere/stuff/darwin",)),
    (
        "testdata",
        "https://some.url.somewhere/stuff/darwin/label/dev",
        ("https://some.url.somewhere/stuff/darwin/label/dev",),
    ),
    ("testdata", "s3://just/cant/darwin", ("https://some.url.somewhere/stuff/darwin",)),
    ("testdata", "file:///var/lib/repo/chuck", ("http://user1:pass2@another.url:8080/with/path/t/tk-1234/chuck",)),
    ("testdata", "chuck", ("http://user1:pass2@another.url:8080/with/path/t/tk-1234/chuck",)),
    (
        "testdata",
        "https://another.url:8080/with/path/chuck/label/dev/linux-64",
        ("https://user1:pass2@another.url:8080/with/path/t/tk-1234/chuck/label/dev",),
    ),
    ("testdata", "conda-forge", ("ftp://new.url:8082/conda-forge",)),
    ("testdata", "https://conda.anaconda.org/conda-forge/label/dev", ("ftp://new.url:8082/conda-forge/label/dev",)),
    (
        "testdata",
        "defaults",
        tuple(f"http://192.168.0.15:8080/pkgs/{name}" for name in ("anaconda", "pro", "msys2")),
    ),
    ("testdata3", "chuck", ("http://user1:pass2@another.url:8080/with/path/t/tk-1234/chuck",)),
    ("testdata3", "chuck/label/dev", ("http://user1:pass2@another.url:8080/with/path/t/tk-1234/chuck/label/dev",)),
    (
        "testdata3",
        "https://newuser:newpass@another.url:8080/with/path/t/new-token/chuck/label/dev",
        ("https://newuser:newpass@another.url:8080/with/path/t/new-token/chuck/label/dev",),
    ),
    ("testdata3", "chuck/subchan", ("http://user33:pass44@another.url:8080/with/path/t/tk-1234/chuck/subchan",)),
    (
        "testdata3",
        "http://another.url:8080/with/path/chuck/subchan/label/main",
        ("http://user33:pass44@another.url:8080/with/path/t/tk-1234/chuck/subchan/label/main",),
    ),
    ("testdata3", "charlie", ("ftp://nm:ps@new.url:8082/t/zyx-wvut/charlie",)),
    (
        "testdata3",
        "ftp://nm:ps@new.url:8082/t/new-token/charlie/label/dev",
        ("ftp://nm:ps@new.url:8082/t/new-token/charlie/label/dev",),
    ),
    (
        "testdata3",
        "defaults",
        (
            "http://192.168.0.15:8080/pkgs/anaconda",
            "ftp://nm:ps@new.url:8082/t/zyx-wvut/donald/label/main",
            "http://us:pw@192.168.0.15:8080/t/tkn-123/pkgs/r",
        ),
    ),
    ("server", "bioconda", ("https://10.2.3.4:8080/conda/t/tk-123-45/bioconda",)),
    ("server", "https://10.2.3.4:8080/conda/bioconda", ("https://10.2.3.4:8080/conda/t/tk-123-45/bioconda",)),
    ("server", "https://10.2.3.4:8080/conda/t/x102/bioconda", ("https://10.2.3.4:8080/conda/t/x102/bioconda",)),
    ("server", "https://10.2.3.4:8080/t/x102/conda/bioconda", ("https://10.2.3.4:8080/conda/t/x102/bioconda",)),
    ("server", "http://10.2.3.4:7070/conda/bioconda", ("https://10.2.3.4:8080/conda/t/tk-123-45/bioconda",)),
]


@pytest.mark.parametrize(("configuration", "named", "urls"), _RESOLVED)
def test_resolve__name_or_url__is_where_conda_looks(
    tmp_path: Path, configuration: str, named: str, urls: tuple[str, ...]
) -> None:
    (tmp_path / ".condarc").write_text(_CONFIGURATIONS[configuration])
    loaded = condarc.load("linux-64", {"PATH": ""}, tmp_path)
    assert tuple(address.reveal() for address in loaded.resolve(named)) == urls
    shown = " ".join(map(str, loaded.resolve(named)))
    assert not any(secret in shown for secret in _SECRETS)


def test_resolve__a_folder_that_has_a_channels_name__is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conda-forge" / "noarch").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    loaded = condarc.Condarc()
    assert [str(each) for each in loaded.resolve("conda-forge")] == ["https://conda.anaconda.org/conda-forge"]
    assert [str(each) for each in loaded.resolve("./conda-forge")] == [str(tmp_path / "conda-forge")]
