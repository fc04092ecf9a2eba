"""Conda's records of what was linked, as py-rattler writes them, take the form of Conda's own."""

from __future__ import annotations

import json
import os
from pathlib import Path

from python_package.address import scrub


def conform(prefix: Path, *, secrets: bool) -> None:
    """Let whoever can read the environment read its records, and take out what Conda's do not have.

    That is the hash of a link, which Conda would compare with that of the file where it leads; and, where there may be
    `secrets` in the addresses of channels, passwords and tokens.
    """
    umask = os.umask(0o077)
    os.umask(umask)
    for path in (prefix / "conda-meta").glob("*.json"):
        text = path.read_bytes()
        if secrets or b'"softlink"' in text:
            record = json.loads(text)
            for entry in record["paths_data"]["paths"]:
                if entry["path_type"] == "softlink":
                    entry.pop("sha256_in_prefix", None)
            for key in ("url", "channel", "requested_spec"):
                if isinstance(record.get(key), str):
                    record[key] = scrub(record[key])
            if isinstance(record.get("requested_specs"), list):
                record["requested_specs"] = [scrub(spec) for spec in record["requested_specs"]]
            path.write_text(json.dumps(record, indent=2), encoding="utf-8")
        path.chmod(0o666 & ~umask)
