"""What shipping costs: the formulas, the table that they make, and the count of what a shared file system is asked."""

from __future__ import annotations

import pytest

from scripts.bench_shared import operations
from scripts.docs.growth import MEDIUM, PAGE, broadcast, filled, manager, peers, rows, shared

# As `strace -f -y` writes them: by name, by name beside a directory, of an open file, and one call in two pieces.
TRACE = """\
7 execve("/shared/env/bin/python", ["python3", "/shared/x"], 0x7ffe /* 9 vars */) = 0
7 openat(AT_FDCWD</home>, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3</etc/ld.so.cache>
7 newfstatat(3</etc/ld.so.cache>, "", {st_mode=S_IFREG|0644, st_size=9}, AT_EMPTY_PATH) = 0
7 newfstatat(AT_FDCWD</home>, "/shared/env/lib", {st_mode=S_IFDIR|0755, st_size=9}, 0) = 0
7 newfstatat(4</shared/env/lib/os.py>, "", {st_mode=S_IFREG|0644, st_size=9}, AT_EMPTY_PATH) = 0
7 getdents64(4</shared/env/lib>, 0x5581 /* 9 entries */, 32768) = 9
8 openat(AT_FDCWD</shared/env>, "../env/pyvenv.cfg", O_RDONLY <unfinished ...>
8 <... openat resumed>) = -1 ENOENT (No such file or directory)
8 stat("/shared-elsewhere/env", 0x7ffe) = -1 ENOENT (No such file or directory)
8 openat(AT_FDCWD</shared/env>, "../../etc/passwd", O_RDONLY) = 3</etc/passwd>
8 readlink("/proc/self/exe", "/shared/env/bin/python", 4096) = 22
8 --- SIGCHLD {si_signo=SIGCHLD} ---
8 +++ exited with 0 +++
"""


def test_operations__a_trace__counts_what_leads_into_the_folder_once() -> None:
    assert operations(TRACE.splitlines(), "/shared") == 5


def test_operations__the_folder_itself__counts() -> None:
    assert operations(['7 access("/shared", W_OK) = 0', '7 chdir("/shared/") = 0'], "/shared") == 2


def test_manager__many_workers__grows_with_their_number() -> None:
    assert manager(10, 125_000_000, 125e6) == 10
    assert manager(10_000, 125_000_000, 125e6) == 10_000


@pytest.mark.parametrize(("workers", "sizes"), [(1, 1), (8, 8), (9, 9), (72, 16), (73, 24), (584, 24), (585, 32)])
def test_broadcast__fanout_8__adds_8_transfers_for_each_level(workers: int, sizes: int) -> None:
    assert broadcast(workers, 100, 100, fanout=8) == sizes


@pytest.mark.parametrize(
    ("workers", "rounds"),
    [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (1_023, 10), (1_024, 11)],
)
def test_peers__one_at_a_time__whoever_has_it_doubles(workers: int, rounds: int) -> None:
    assert peers(workers, 100, 100, at_once=1) == rounds


@pytest.mark.parametrize(("workers", "sizes"), [(1, 1), (7, 7), (10, 10), (11, 11), (120, 20), (121, 30)])
def test_peers__ten_at_once__take_ten_times_as_long_for_eleven_times_as_many(workers: int, sizes: int) -> None:
    assert peers(workers, 100, 100, at_once=10) == sizes


@pytest.mark.parametrize("spread", [manager, broadcast, peers])
def test_every_way__no_workers__takes_no_time(spread: object) -> None:
    assert callable(spread)
    assert spread(0, 100, 100) == 0


def test_shared__no_bytes__is_bound_by_operations() -> None:
    assert shared(1_000, 0, 125e6, operations=50) == 1


def test_page__its_table__is_what_the_formulas_give() -> None:
    page = PAGE.read_text()
    assert page.count("<!-- table -->") == page.count("<!-- end of the table -->") == 1
    assert filled(page) == page
    assert len(rows(MEDIUM)) > 5


def test_page__its_constants__are_those_of_the_formulas() -> None:
    page = PAGE.read_text()
    for constant in (MEDIUM.plain_task, MEDIUM.first_task, MEDIUM.next_task):
        assert f"| {constant:,} |" in page
    assert f"| {MEDIUM.tarball / 1e6:.1f} MB |" in page
    assert f"| {MEDIUM.difference / 1e3:.0f} kB |" in page
    assert f"| {MEDIUM.unpack} s |" in page
    assert f"| {MEDIUM.assemble} s |" in page
