"""What makes the documentation: man pages as Markdown, and plots of what `make bench` prints."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from scripts.docs.man_pages import MAN, convert, on_page_markdown
from scripts.docs.performance_plots import TITLES, Figure, draw, read

BENCH = """\
machine: 2 cores, Linux 6.18 x86_64, Python 3.11.7

analyze, 10 lines, python3 on PATH               28.4 ms, python3 -c pass   46.8 ms, ratio 0.61
analyze, 10 lines, a bare venv of it             23.5 ms, python3 -c pass    9.8 ms, ratio 2.40
analyze, a tree of 5000 files, 71.0 MB; medians; 2 cores
  ours         1.90 s, processor   3.50 s,  1.00 and  1.00 of ours
  deptry       2.20 s, processor   3.90 s,  1.16 and  1.11 of ours  (deptry==0.25.1 .)

create, small   2019's steps   7.30 s   kinder   4.20 s   ours   0.66 s   ratio  11.1, kinder   6.4
  (first time 1.90 s, peak 242 MB; among the others: peak 138 MB, split prepare 0.3; at once again 0.60 s)

pack, small: compiling modules, once for each package: 2.10 s
  conda-pack                   2.170 s     1.0 times as fast     41.6 MB  size 1.000  peak   44 MB
  ours cold, same files        0.600 s     3.6 times as fast     42.0 MB  size 1.010  peak  158 MB
  ours warm                    0.050 s    43.4 times as fast     42.8 MB  size 1.030  peak   71 MB

medium environment
first task in /dev/shm  by hand     2.91 s   ours     1.78 s   ratio 1.63
first task in /tmp      by hand     9.00 s   ours     8.00 s   ratio 1.12
next task, dash         bare        0.60 ms  ours     7.10 ms  added 6.50 ms
200 tasks at once        10.80 s   succeeded 200   unpacked 1 time(s)
"""


def test_read__output_of_bench__is_one_figure_for_each_bar() -> None:
    assert list(read(BENCH)) == [
        Figure("analyze-script", "", "python3 -c pass", 0.0098),
        Figure("analyze-script", "", "ours", 0.0235),
        Figure("analyze-tree", "", "ours", 1.9),
        Figure("analyze-tree", "", "deptry", 2.2),
        Figure("create", "small", "2019's steps", 7.3),
        Figure("create", "small", "in a kinder form", 4.2),
        Figure("create", "small", "ours", 0.66),
        Figure("pack", "small", "conda-pack", 2.17),
        Figure("pack", "small", "ours, warm", 0.05),
        Figure("first-task", "medium", "tar, conda-unpack", 2.91),
        Figure("first-task", "medium", "ours", 1.78),
        Figure("next-task", "dash", "the bare command", 0.0006),
        Figure("next-task", "dash", "ours", 0.0071),
    ]


@pytest.mark.parametrize("plot", TITLES)
def test_draw__any_plot__is_svg_with_a_bar_for_each_figure(plot: str) -> None:
    bars = [figure for figure in read(BENCH) if figure.plot == plot]
    drawn = ET.fromstring(draw(TITLES[plot], bars))  # noqa: S314  # ours
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}rect"))) == len(bars) + 1 > 1


@pytest.mark.parametrize("page", sorted(MAN.glob("*.1")), ids=lambda page: page.stem)
def test_convert__our_man_pages__have_no_roff_left(page: Path) -> None:
    made = convert(page.read_text("utf-8"))
    assert made.count("\n## ") >= 7
    lines = [line for line in made.splitlines() if line.startswith(".") or "\\f" in line or "\\(" in line]
    assert lines == []


def test_convert__unknown_macro__is_an_error() -> None:
    with pytest.raises(ValueError, match="TS"):
        convert(".TS\n")


def test_convert__terms_and_lists__are_markdown() -> None:
    roff = '.TP\n.BR \\-c ", " \\-\\-channel " " \\fIC\\fR\nFrom here.\n.IP\nMore.\n.PP\nText:\n.IP \\(bu 2\nOne.\n'
    assert convert(roff) == (
        "<code>-c</code>, <code>--channel</code> <em>C</em>\n:   From here.\n\n    More.\n\nText:\n\n*   One.\n"
    )


def test_hook__page_with_the_marker__gets_the_man_page() -> None:
    page = on_page_markdown("# Run\n\n<!-- man: python_package_run.1 -->\n", page=None)
    assert page.startswith("# Run\n\n## Name\n\npython\\_package\\_run")
