"""py-rattler's client, which connects as Conda's configuration says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rattler

from python_package.conda.condarc import Condarc


def client(config: Condarc, retries: int = 3) -> rattler.Client:
    """Return a client with the certificates and proxies of a configuration."""
    lines = [] if config.verify else ["tls-no-verify = true"]
    if config.proxies:
        without = [host for host in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")).split(",") if host]
        lines += ["[proxy-config]", f"non-proxy-hosts = {json.dumps([host.strip() for host in without])}"]
        lines += [f"{scheme} = {json.dumps(address.reveal())}" for scheme, address in config.proxies.items()]
    with _trusted(config.certificates):
        return rattler.Client.from_config(rattler.Config.from_toml("\n".join(lines)), max_retries=retries)


@contextmanager
def _trusted(certificates: Path | None) -> Iterator[None]:
    """Let a client that is made meanwhile trust these certificates alone: it looks at two variables as it is made."""
    if certificates is None:
        yield
        return
    variables = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    before = {name: os.environ.pop(name) for name in variables if name in os.environ}
    os.environ["SSL_CERT_DIR" if certificates.is_dir() else "SSL_CERT_FILE"] = str(certificates)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)
