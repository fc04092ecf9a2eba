"""Draw the plots of docs/performance.md.  usage: python -m scripts.docs.performance_plots [OUTPUT]

OUTPUT is what scripts/bench printed: its figures replace those of docs/performance.csv, from which the plots are drawn.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = DOCS / "performance.csv"
TITLES = {
    "analyze-script": "Analyze a script of 10 lines",
    "analyze-tree": "Analyze a tree of 5,000 files",
    "create": "Create an environment and its tarball again",
    "pack": "Pack an environment",
    "first-task": "First task on a worker, on tmpfs",
    "next-task": "Every next task on a worker",
}
PACKERS = {
    "conda-pack": "conda-pack",
    "conda-pack, n_threads=-1": "conda-pack, all cores",
    "ours cold": "ours, cold",
    "ours warm": "ours, warm",
}
LEFT, RIGHT, BAR = 190, 90, 20  # pixels: of the names, of the seconds, of a row
WIDTH = 760
STYLE = """
    .paper { fill: #ffffff }
    text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #1f2933 }
    .title { font-size: 15px; font-weight: 600 }
    .group { font-weight: 600 }
    .name, .group { text-anchor: end }
    .peer { fill: #9aa5b1 }
    .ours { fill: #0f766e }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #1f2430 }
      text { fill: #e4e7eb }
      .peer { fill: #66717d }
      .ours { fill: #2dd4bf }
    }
"""


class Figure(NamedTuple):
    """One bar of a plot."""

    plot: str
    group: str
    who: str
    seconds: float


def main(arguments: Sequence[str]) -> None:
    """Read new figures, if there are any; draw every plot."""
    figures = _load()
    if arguments:
        measured = list(read(Path(arguments[0]).read_text(encoding="utf-8")))
        # What was not measured this time stays as it was.
        taken = {figure.plot for figure in measured}
        figures = measured + [figure for figure in figures if figure.plot not in taken]
        figures.sort(key=lambda figure: list(TITLES).index(figure.plot))
        _save(figures)
    for plot, title in TITLES.items():
        bars = [figure for figure in figures if figure.plot == plot]
        (DOCS / "images" / f"performance-{plot}.svg").write_text(draw(title, bars), encoding="utf-8")


def read(output: str) -> Iterator[Figure]:
    """Yield the figures in what scripts/bench prints."""
    heading = size = ""
    for line in output.splitlines():
        if line[:1].strip():
            heading = line
        if found := re.match(r"(\w+) environment$", line):
            size = found[1]
        elif found := re.match(
            r"analyze, 10 lines, a bare venv of it +([\d.]+) ms, python3 -c pass +([\d.]+) ms", line
        ):
            yield Figure("analyze-script", "", "python3 -c pass", _milliseconds(found[2]))
            yield Figure("analyze-script", "", "ours", _milliseconds(found[1]))
        elif heading.startswith("analyze, a tree") and (found := re.match(r"  (\S+) +([\d.]+) s, processor", line)):
            yield Figure("analyze-tree", "", found[1], float(found[2]))
        elif found := re.match(r"create, (\w+) +2019's steps +([\d.]+) s +kinder +([\d.]+) s +ours +([\d.]+) s", line):
            for who, seconds in zip(("2019's steps", "in a kinder form", "ours"), found.groups()[1:], strict=True):
                yield Figure("create", found[1], who, float(seconds))
        elif heading.startswith("pack, ") and (found := re.match(r"  (.+?) +([\d.]+) s +[\d.]+ times as fast", line)):
            if found[1] in PACKERS:
                yield Figure("pack", heading[6:].partition(":")[0], PACKERS[found[1]], float(found[2]))
        elif found := re.match(r"first task in /dev/shm +by hand +([\d.]+) s +ours +([\d.]+) s", line):
            yield Figure("first-task", size, "tar, conda-unpack", float(found[1]))
            yield Figure("first-task", size, "ours", float(found[2]))
        elif size == "medium" and (found := re.match(r"next task, (\w+) +bare +([\d.]+) ms +ours +([\d.]+) ms", line)):
            yield Figure("next-task", found[1], "the bare command", _milliseconds(found[2]))
            yield Figure("next-task", found[1], "ours", _milliseconds(found[3]))


def draw(title: str, bars: Sequence[Figure]) -> str:
    """Return an SVG of horizontal bars, all to one scale."""
    longest = max((bar.seconds for bar in bars), default=1)
    parts: list[str] = []
    top = 34
    for group, members in groupby(bars, key=lambda bar: bar.group):
        if group:
            parts.append(f'  <text class="group" x="{LEFT - 8}" y="{top + 15}">{escape(group)}</text>')
            top += BAR
        for bar in members:
            length = max(1.5, bar.seconds / longest * (WIDTH - LEFT - RIGHT))
            kind = "ours" if bar.who.startswith("ours") else "peer"
            parts += [
                f'  <text class="name" x="{LEFT - 8}" y="{top + 15}">{escape(bar.who)}</text>',
                f'  <rect class="{kind}" x="{LEFT}" y="{top + 3}" width="{length:.1f}" height="{BAR - 5}" rx="2"/>',
                f'  <text x="{LEFT + length + 6:.1f}" y="{top + 15}">{_readable(bar.seconds)}</text>',
            ]
            top += BAR
        top += 6
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 4}" width="{WIDTH}" role="img">'
    caption = f'  <text class="title" x="8" y="20">{escape(title)}</text>'
    style = f"  <style>{STYLE}  </style>"
    paper = '  <rect class="paper" width="100%" height="100%" rx="8"/>'
    return "\n".join([head, f"  <title>{escape(title)}</title>", style, paper, caption, *parts, "</svg>\n"])


def _milliseconds(text: str) -> float:
    return round(float(text) / 1000, 7)


def _readable(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _load() -> list[Figure]:
    with FIGURES.open(encoding="utf-8", newline="") as stream:
        return [Figure(row["plot"], row["group"], row["who"], float(row["seconds"])) for row in csv.DictReader(stream)]


def _save(figures: Sequence[Figure]) -> None:
    with FIGURES.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(Figure._fields)
        rows.writerows(figures)


if __name__ == "__main__":
    main(sys.argv[1:])
