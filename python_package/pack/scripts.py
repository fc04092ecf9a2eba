"""The scripts that go into the archive's bin: conda-pack's activate, our conda-unpack and run_in_env."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable
from pathlib import Path

import conda_pack
from conda_pack import core, prefixes

from python_package.pack.spelling import spelled

_HERE = Path(__file__).parents[1] / "run"


def sources() -> list[bytes]:
    """Return what the scripts are made of, beside conda-pack and the records."""
    templates = [(_HERE / name).read_bytes() for name in ("conda-unpack.in", "run_in_env")]
    return [*templates, Path(__file__).with_name("spelling.py").read_bytes()]


def scripts(records: Iterable[tuple[str, str, str]]) -> dict[str, bytes]:
    """Return path -> content of every script; `records` are (path, placeholder, mode) of the files to relocate."""
    added = {target: Path(source).read_bytes() for source, target in core._scripts}
    # By conda-pack's rule the interpreter stays as it is: it runs the script, and finds its own prefix.
    kept = [record for record in sorted(records) if record[2] == "text" or not record[0].startswith("bin/python")]
    lines = "".join(f"    {record!r},\n" for record in kept)
    functions = (prefixes.replace_prefix, prefixes.text_replace, prefixes.binary_replace, spelled)
    replace = "\n\n".join(["on_win = False\n", *(textwrap.dedent(inspect.getsource(f)) for f in functions)])
    template = (_HERE / "conda-unpack.in").read_text()
    for name, value in (
        ("REPLACE", replace),
        ("RECORDS", lines),
        ("VERSION", conda_pack.__version__),
    ):
        template = template.replace(f"@{name}@", value)
    added["bin/conda-unpack"] = template.encode()
    added["bin/run_in_env"] = (_HERE / "run_in_env").read_bytes()
    return added
