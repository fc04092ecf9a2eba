"""The package `ca-certificates`: an interpreter's vendored OpenSSL looks where the building host kept its own."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from python_package.files import scratch
from python_package.host_python import conda_package

_ACTIVATE = """\
# The environment's own certificates, unless the user has chosen others.
if [ -z "${SSL_CERT_FILE-}" ]; then
    export SSL_CERT_FILE="$CONDA_PREFIX/ssl/cacert.pem"
fi
"""
_DEACTIVATE = """\
if [ "${SSL_CERT_FILE-}" = "$CONDA_PREFIX/ssl/cacert.pem" ]; then
    unset SSL_CERT_FILE
fi
"""


def write(channel: Path) -> Path:
    """Write the package `ca-certificates`, certifi's bundle with an activation script, into a channel folder."""
    import certifi

    with scratch.folder() as stage:
        (stage / "ssl").mkdir()
        shutil.copyfile(certifi.where(), stage / "ssl/cacert.pem")
        (stage / "ssl/cert.pem").symlink_to("cacert.pem")
        for when, text in (("activate", _ACTIVATE), ("deactivate", _DEACTIVATE)):
            folder = stage / f"etc/conda/{when}.d"
            folder.mkdir(parents=True)
            (folder / "ca-certificates.sh").write_text(text)
        about = {"license": "MPL-2.0", "summary": "Mozilla's CA bundle"}
        index = {"name": "ca-certificates", "version": version("certifi"), "build": "0", "subdir": "noarch"}
        index["license"] = about["license"]
        return conda_package.write(stage, conda_package.scan(stage), channel, index, about=about)
