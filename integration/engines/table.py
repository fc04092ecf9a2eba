"""The table of docs/engines.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from integration.engines.ways import LINES, OURS, PLAIN, UNCHANGED, Results, copied

_TABLE = re.compile(r"(?s)(<!-- table -->\n).*?(<!-- end of the table -->)")
# What the table calls an engine -> the files whose lines a user copies: ours, and conda-pack's where there are any.
ENGINES: Mapping[str, tuple[str, str | None]] = {
    "Slurm": ("slurm/ours.sh", "slurm/conda-pack.sh"),
    "GNU parallel": ("parallel/ours.sh", "parallel/conda-pack.sh"),
    "Snakemake": ("snakemake/ours.smk", "snakemake/conda-pack.smk"),
    "HTCondor's wrapper (imitated)": ("htcondor/ours.sh", "htcondor/conda-pack.sh"),
    "Spark": ("spark/submit.sh", "spark/submit.sh"),
    "Parsl, HighThroughputExecutor": ("parsl/ours.py", "parsl/conda-pack.py"),
    "Parsl, WorkQueueExecutor": ("parsl/pack.py", None),
    "Dask": ("dask/ours.sh", "dask/conda-pack.sh"),
    "dask-jobqueue on Slurm": ("dask-jobqueue/ours.py", "dask-jobqueue/conda-pack.py"),
    "Ray": ("ray/ours.py", "ray/conda-pack.py"),
}


def rows(results: Results) -> list[str]:
    """Return the table's lines; an engine or a way that did not run is an error."""
    head = "| engine | conda-pack's lines run ours unchanged | lines that you write | the same with conda-pack "
    head += "| first result, ours | conda-pack's lines, ours | conda-pack's lines and tarball |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for engine, (ours, conda_pack) in ENGINES.items():
        took = results.seconds[engine]
        cells = [engine, "yes" if conda_pack else "—", _count(ours), _count(conda_pack), _seconds(took[OURS.name])]
        cells += [_seconds(took[way.name]) if conda_pack else "—" for way in (UNCHANGED, PLAIN)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def write(document: Path, results: Results) -> None:
    """Put the table into the document."""
    table = "\n".join(rows(results)) + "\n"
    text = document.read_text(encoding="utf-8")
    document.write_text(_TABLE.sub(lambda match: match[1] + table + match[2], text), encoding="utf-8")


def _count(name: str | None) -> str:
    if name is None:
        return "—"
    lines = copied(LINES / name).splitlines()
    return str(sum(1 for line in lines if line.strip() and not line.lstrip().startswith("#")))


def _seconds(value: float) -> str:
    return f"{value:.1f} s"
