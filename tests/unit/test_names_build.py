"""The rules by which the generated table of import names is made from what others' wheels know."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from python_package.import_names.table import Table
from scripts import build_names
from scripts.names.shared import decided
from scripts.names.sources import SOURCES, Facts, Source, read

KEPT = "[imports]\nnamespace *\nkept by-hand\n[conda]\nkept-conda mine\n"


def make(
    provides: dict[str, str],
    rank: dict[str, int] | None = None,
    forge: dict[str, tuple[str, str]] | None = None,
    stubs: dict[str, str] | None = None,
) -> Table:
    imports = {project: frozenset(names.split()) for project, names in provides.items()}
    ranks = dict.fromkeys(provides, 100) if rank is None else rank
    facts = Facts(imports, forge or {}, stubs or {}, ranks)
    return Table(build_names.generate(facts, Table(KEPT), frozenset({"os", "json"})))


def providers(made: Table, name: str) -> tuple[str, ...] | None:
    row = made.row(name)
    return row.providers if row else None


def test_generate__import_of_another_name__is_the_project_that_provides_it() -> None:
    made = make({"beautifulsoup4": "bs4", "numpy": "numpy"})
    assert (providers(made, "bs4"), providers(made, "numpy")) == (("beautifulsoup4",), ("numpy",))


def test_generate__two_projects_provide_it__the_better_known_one_wins() -> None:
    made = make({"pyjwt": "jwt", "jwt": "jwt"}, {"pyjwt": 43, "jwt": 2358})
    row = made.row("jwt")
    assert row and (row.providers, row.rivals) == (("pyjwt",), ())


def test_generate__the_other_is_nearly_as_well_known__is_named_as_a_rival() -> None:
    row = make({"one-x": "x", "two-x": "x"}, {"one-x": 100, "two-x": 500}).row("x")
    assert row and (row.providers, row.rivals) == (("one-x",), ("two-x",))


def test_generate__the_project_of_the_import_s_name__wins_unless_far_behind() -> None:
    rank = {"mlflow-skinny": 634, "mlflow": 645}
    row = make({"mlflow-skinny": "mlflow", "mlflow": "mlflow"}, rank).row("mlflow")
    assert row and (row.providers, row.rivals) == (("mlflow",), ())


def test_generate__two_sources_agree__counts_more_than_being_better_known() -> None:
    made = make({"a": "x", "b": "x"}, {"a": 100, "b": 200}, forge={"b": ("b", "x")})
    assert providers(made, "x") == ("b",)


def test_generate__typeshed_says__is_beyond_doubt() -> None:
    row = make({"a-x": "x", "b-x": "x"}, {"a-x": 1, "b-x": 9}, stubs={"x": "b-x"}).row("x")
    assert row and (row.providers, row.rivals) == (("b-x",), ())


def test_generate__unknown_to_everyone__claims_nothing() -> None:
    made = make({"testcv2": "cv2", "lazyaml": "yaml"}, rank={})
    assert (made.row("cv2"), made.row("yaml")) == (None, None)


def test_generate__leftovers_of_careless_packaging__are_left_out() -> None:
    many = {f"project{n}": f"project{n} tests" for n in range(5)}
    made = make(many)
    assert made.row("tests") is None
    assert providers(made, "project3") == ("project3",)


def test_generate__standard_library__is_refused_whoever_provides_it() -> None:
    row = make({"json": "json", "enum34": "os"}).row("json")
    assert row and row.refusal.startswith("in the standard library")


def test_generate__kept_by_hand__is_left_to_that() -> None:
    made = make({"kept": "kept"}, forge={"kept-conda": ("theirs", "kept")})
    assert (made.row("kept"), made.conda("kept-conda")) == (None, ("kept-conda",))


def test_generate__no_import_name__is_left_out() -> None:
    made = make({"a": "a-stubs __pycache__ 1a a.b.c ddc4__mypyc"})
    assert [name for name in ("a-stubs", "__pycache__", "1a", "a.b.c", "ddc4__mypyc") if made.row(name)] == []


def test_generate__several_projects_named_after_it__is_a_namespace() -> None:
    made = make({"acme-one": "acme", "acme-two": "acme", "acme-six": "acme", "six": "acme"})
    row = made.row("acme")
    assert row and row.namespace and not row.providers
    assert set(made.portions("acme")) == {"acme-one", "acme-two", "acme-six"}


def test_generate__packaged_for_a_part_of_it__is_a_namespace_though_only_one_is_well_known() -> None:
    provides = {"acme-one": "acme", "acme-two": "acme", "two": "acme"}
    made = make(provides, rank={}, forge={"acme-one": ("acme-one", "acme.one")})
    row = made.row("acme")
    assert row and row.namespace and not row.providers
    assert made.portions("acme") == ("acme-one", "acme-two")
    found = made.find("acme.two.deep")
    assert found and found.providers == ("acme-two",)


def test_generate__most_that_provide_it_are_named_after_it__is_a_namespace() -> None:
    many = {f"acme-{name}": "acme" for name in ("one", "two", "three", "four", "five")}
    row = make(many, {"acme-one": 100}).row("acme")
    assert row and row.namespace and not row.providers


@pytest.mark.parametrize(
    "others",
    [
        ("acme-core-fork", "acme-core-old", "acme-core-new", "acme-core-x", "acme-core-y"),  # copies of the one
        ("acme-two", "acme-three"),  # too few
        ("acme-two", "acme-three", "acme-four", "acme-five", "six", "seven", "eight"),  # not only such
        ("acme-two", "acme-three", "acme-four", "acme-five", "acme-six", "acme"),  # one may have all of it
    ],
)
def test_generate__well_known_one_may_be_all_of_it__is_no_namespace(others: tuple[str, ...]) -> None:
    row = make(dict.fromkeys(("acme-core", *others), "acme"), {"acme-core": 100}).row("acme")
    assert row and not row.namespace and row.providers == ("acme-core",)


def test_generate__others_have_parts_of_a_package_with_code_of_its_own__only_the_well_known_count() -> None:
    provides = {"acme": "acme", "acme-part": "acme", "acme-stranger": "acme"}
    made = make(provides, {"acme": 100, "acme-part": 9000}, forge={"acme-part": ("acme-part", "acme.part")})
    row = made.row("acme")
    assert row and row.namespace and row.providers == ("acme",)
    assert made.portions("acme") == ("acme-part",)


def test_generate__a_slip_away_from_one_that_is_well_known__fills_nothing() -> None:
    provides = {f"acme-{name}": "acme" for name in ("storage", "storge", "compute", "network")}
    made = make(provides, {"acme-storage": 5, "acme-compute": 6, "acme-network": 7})
    assert made.portions("acme") == ("acme-storage", "acme-compute", "acme-network")


def test_decided__counts_what_fills_a_namespace_and_is_named_after_it_or_not() -> None:
    provides = {f"acme-{name}": frozenset({"acme"}) for name in ("one", "two", "six")} | {"else": frozenset({"acme"})}
    facts = Facts(provides, {}, {}, dict.fromkeys(provides, 100))
    table = Table(build_names.generate(facts, Table(KEPT), frozenset()))
    assert decided(facts, table)["acme"] == ({"acme-one", "acme-two", "acme-six"}, {"else"})


def test_generate__several_builds_of_one_thing__are_no_namespace() -> None:
    row = make({"cupy-cuda11x": "cupy", "cupy-cuda12x": "cupy", "cupy-rocm-5-0": "cupy"}).row("cupy")
    assert row and not row.namespace


def test_generate__namespace_kept_by_hand__gets_its_portions_best_known_first() -> None:
    provides = {"namespace-b": "namespace", "namespace-a": "namespace", "namespace-no": "something"}
    made = make(provides, {"namespace-b": 9, "namespace-a": 5, "namespace-no": 1})
    assert made.portions("namespace") == ("namespace-a", "namespace-b")


def test_generate__named_otherwise_on_conda_forge__is_listed() -> None:
    made = make({"torch": "torch"}, forge={"torch": ("pytorch", "torch"), "numpy": ("numpy", "numpy")})
    assert (made.conda("torch"), made.conda("numpy")) == (("pytorch", "torch"), ("numpy",))


def test_generate__a_letter_away_from_a_much_better_known_name__says_so() -> None:
    row = make({"pandas": "pandas", "panda": "panda"}, {"pandas": 36, "panda": 13901}).row("panda")
    assert row and row.like == "pandas"
    row = make({"httpx": "httpx", "httpr": "httpr"}, {"httpx": 900, "httpr": 2642}).row("httpr")
    assert row and not row.like


def test_generate__well_known_but_nobody_looked_into_it__is_only_assumed() -> None:
    made = make({}, {"brand-new": 50, "types-brand": 60, "brand-stubs": 70})
    assert made.row("brand_new") is None
    assert [name for name in ("brand-new", "types-brand", "brand-stubs") if made.assumed(name)] == ["brand-new"]


@pytest.mark.parametrize(("project", "system"), [("pywin32", "Windows"), ("pyobjc-core", "macOS")])
def test_generate__for_another_system__is_refused(project: str, system: str) -> None:
    row = make({project: "thing"}).row("thing")
    assert row and row.refusal == f"part of {project}, which is for {system} only"


# Prints the table that small inputs give, after a shuffle of each of them.
_SHUFFLED = """
import random, sys
from python_package.import_names.table import Table
from scripts import build_names
from scripts.names.sources import Facts

random.seed(int(sys.argv[1]))
def mixed(mapping):
    return dict(random.sample(sorted(mapping.items()), len(mapping)))

parts = [f"acme-{name}" for name in ("one", "two", "six", "ten")]
twins = ["castor", "pollux", "helen"]
provides = {project: frozenset({"acme"}) for project in parts} | {project: frozenset({"twin"}) for project in twins}
provides |= {"pandas": frozenset({"pandas"}), "panda": frozenset({"panda", "pandb"}), "pandb": frozenset({"pandb"})}
forge = {"torch": ("pytorch", "torch"), "acme-one": ("acme-one", "acme.one"), "acme-deep": ("acme-deep", "acme.deep")}
rank = {"pandas": 36, "panda": 13901, "unseen": 7, "other-unseen": 7, **dict.fromkeys([*parts, *twins, "pandb"], 100)}
facts = Facts(mixed(provides), mixed(forge), mixed({"yaml": "castor", "six": "pollux"}), mixed(rank))
kept = Table("[imports]\\nnamespace *\\n")
print(build_names.generate(facts, kept, frozenset({"os", "json", "sys"})), end="")
"""


def test_generate__same_facts_in_any_order_and_under_any_hash_seed__gives_the_same_bytes() -> None:
    made = [
        subprocess.run(
            [sys.executable, "-c", _SHUFFLED, order],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            timeout=60,
            check=True,
        ).stdout
        for order, seed in (("1", "0"), ("2", "1"), ("3", "2"), ("1", "random"))
    ]
    assert set(made) == {made[0]}
    assert b"\nacme *\n" in made[0]
    assert b"\ntwin castor | helen pollux\n" in made[0]


def test_member__content_is_not_the_recorded_one__exits(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pigar-2.2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(SOURCES[0].member, "something else")
    with pytest.raises(SystemExit, match=r"pigar 2\.2\.0 has the sha256"):
        read(tmp_path)


def test_header__shipped_table__is_what_the_script_would_write() -> None:
    assert build_names.OUTPUT.read_text(encoding="ascii").startswith(f"{build_names._header()}[imports]\n")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.project)
def test_sources__each__is_credited_with_its_licence_beside_the_code(source: Source) -> None:
    root = Path(__file__).parents[2]
    title, _, rest = (root / "NOTICE").read_text().partition(f"\n{source.project} ")[2].partition(": ")
    assert title == f"{source.version}, data of {source.date}"
    entry = rest.partition("\n\n")[0]
    assert re.search(rf"Copyright .*{source.licence},\s+LICENSES/{source.project}\.txt", entry, re.DOTALL)
    assert len((root / "LICENSES" / f"{source.project}.txt").read_text()) > 1000
    assert "LICENSES/*" in (root / "pyproject.toml").read_text()
