"""python_package_create given the files of other tools."""

from __future__ import annotations

import sys
from functools import partial

import pytest
from desk import PYTHON, Desk, one_line
from own_project import write_project
from wheels import write_wheel

from python_package.analyze import analyze_script

SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def files(desk: Desk) -> dict[str, str]:
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {
        "environment.yml": f"""
            name: x
            channels: [{desk.channel}, nodefaults]
            dependencies: [python={minor}, idna>=2, ca-certificates, pip: [onlypypi==0.9]]
            """,
        "requirements.txt": "idna>=2  # from the channel\nonlypypi==0.9 --hash=sha256:00\n",
        "pyproject.toml": f"""
            [project]
            name = "x"
            requires-python = "~={minor}"
            dependencies = ["idna>=2", "onlypypi==0.9"]
            """,
        "poncho.json": f"""
            {{"conda": {{"channels": ["{desk.channel}"], "packages": ["python={PYTHON}", "idna>=2"]}},
              "pip": ["onlypypi==0.9"]}}
            """,
    }


@pytest.mark.parametrize("name", ["environment.yml", "requirements.txt", "pyproject.toml", "poncho.json"])
def test_create__another_tools_file__makes_what_it_says(desk: Desk, name: str) -> None:
    text = files(desk)[name]
    (desk.cwd / name).write_text("\n".join(line.strip() for line in text.splitlines()))
    channel = [] if str(desk.channel) in text else ["-c", str(desk.channel)]
    done = desk.run(*channel, "--lock", "env.lock", name, "env")
    assert done.returncode == 0, done.stderr
    assert ("note: requirements.txt: hashes are not compared" in done.stderr) == (name == "requirements.txt")
    prefix = desk.envs / "env"
    linked = {path.name.split("-")[0] for path in (prefix / "conda-meta").glob("*.json")}
    assert {"python", "idna"} <= linked
    assert list((prefix / "conda-meta").glob(f"python-{PYTHON}-*.json"))
    assert (prefix / SITE / "onlypypi.py").read_text() == "ANSWER = 41\n"
    tarball = (desk.cwd / "env.tar.gz").read_bytes()
    done = desk.run(*channel, "--locked", "env.lock", name, "env")
    assert done.returncode == 0, done.stderr
    assert (desk.cwd / "env.tar.gz").read_bytes() == tarball


def test_create__requirements_with_a_project_in_a_folder__has_it_and_what_it_needs(desk: Desk) -> None:
    write_project(desk.cwd / "mine", more="Requires-Dist: onlypypi==0.9\n")
    (desk.cwd / "requirements.txt").write_text("idna\n-e ./mine\n")
    done = desk.run("-c", str(desk.channel), "--lock", "env.lock", "requirements.txt", "env")
    assert done.returncode == 0, done.stderr
    prefix = desk.envs / "env"
    assert (prefix / SITE / "mine.py").read_text() == "ANSWER = 42\n"
    assert (prefix / SITE / "onlypypi.py").read_text() == "ANSWER = 41\n"
    tarball = (desk.cwd / "env.tar.gz").read_bytes()
    done = desk.run("-c", str(desk.channel), "--locked", "env.lock", "requirements.txt", "env")
    assert done.returncode == 0, done.stderr
    assert (desk.cwd / "env.tar.gz").read_bytes() == tarball


def test_create__package_by_name_does_not_import__exits_6(desk: Desk) -> None:
    (desk.cwd / "requirements.txt").write_text("broken\nidna\n")
    done = desk.run("-c", str(desk.channel), "requirements.txt", "env")
    assert done.returncode == 6, done.stderr
    assert "broken (ModuleNotFoundError" in one_line(done.stderr)


def test_create__no_channel_for_what_conda_alone_has__exits_4_and_says_so(desk: Desk) -> None:
    (desk.cwd / "environment.yml").write_text("dependencies: [idna, samtools=1.2]\n")
    done = desk.run("-c", str(desk.channel), "environment.yml", "env")
    assert done.returncode == 4, done.stderr
    assert "its package samtools==1.2.* is in no channel of" in one_line(done.stderr)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("environment.yml", "dependencies: [", "environment.yml: not YAML"),
        ("pyproject.toml", "[tool.x]\n", "pyproject.toml: there is no [project] in it"),
        ("requirements.txt", "numpy\n-e .\n", "requirements.txt:2: the name of '.' is not to be seen"),
        ("poncho.json", '{"pip": [], "git": {"x": {}}}', 'poncho.json: "git" is data for tasks'),
        ("Pipfile", "[packages]\n", "Pipfile: not a dependency file of python_package_analyze"),
    ],
)
def test_create__another_tools_file_is_not_valid__exits_3(desk: Desk, name: str, text: str, says: str) -> None:
    (desk.cwd / name).write_text(text)
    done = desk.run(name, "env")
    assert done.returncode == 3, done.stderr
    assert says in one_line(done.stderr)


# where a file says that its dependencies come from


def test_create__project_with_sources_in_folders__has_those_and_what_they_place_in_turn(desk: Desk) -> None:
    """`onlypypi` is on the index, too: whoever names a folder for it, two steps away, does not mean that one."""
    write_project(desk.cwd / "libs" / "mine", more="Requires-Dist: onlypypi\n")
    with (desk.cwd / "libs" / "mine" / "pyproject.toml").open("a") as file:
        file.write('[tool.uv.sources]\nonlypypi = { path = "../wheels/onlypypi-7.0-py3-none-any.whl" }\n')
    write_wheel(desk.cwd / "libs" / "wheels", "onlypypi", {"onlypypi.py": "ANSWER = 'the lab''s'\n"}, version="7.0")
    (desk.cwd / "pyproject.toml").write_text(
        '[project]\nname = "job"\ndependencies = ["mine"]\n[tool.uv.sources]\nmine = { path = "libs/mine" }\n'
    )
    done = desk.run("-c", str(desk.channel), "pyproject.toml", "env")
    assert done.returncode == 0, done.stderr
    assert (desk.envs / "env" / SITE / "mine.py").read_text() == "ANSWER = 42\n"
    assert "the lab" in (desk.envs / "env" / SITE / "onlypypi.py").read_text()


@pytest.mark.parametrize("also_from_the_channel", ["onlypypi", "idna"])
def test_create__package_with_an_index_of_its_own__comes_from_there_alone_and_is_made_again(
    desk: Desk, also_from_the_channel: str
) -> None:
    name = also_from_the_channel
    folder = desk.cwd / "lab" / name
    wheel = write_wheel(folder, name, {f"{name}.py": "WHOSE = 'lab'\n"}, version="0.5")
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    (desk.cwd / "pyproject.toml").write_text(
        f'[project]\nname = "job"\ndependencies = ["{name}"]\n[tool.uv.sources]\n{name} = {{ index = "lab" }}\n'
        '[[tool.uv.index]]\nname = "lab"\nurl = "lab"\nexplicit = true\n'
    )
    run = partial(desk.run, "-c", str(desk.channel), PIP_NO_INDEX="0", UV_DEFAULT_INDEX=str(desk.cwd / "none"))
    done = run("--dry-run", "pyproject.toml", "env")
    assert f"{name} 0.5 PyPI" in " ".join(done.stdout.split()), done.stderr
    done = run("--lock", "env.lock", "pyproject.toml", "env")
    assert done.returncode == 0, done.stderr
    assert (desk.envs / "env" / SITE / f"{name}.py").read_text() == "WHOSE = 'lab'\n"
    tarball = (desk.cwd / "env.tar.gz").read_bytes()
    done = run("--locked", "env.lock", "pyproject.toml", "env")
    assert done.returncode == 0, done.stderr
    assert (desk.cwd / "env.tar.gz").read_bytes() == tarball


def test_create__package_that_its_own_index_lacks__exits_4_and_takes_no_other(desk: Desk) -> None:
    (desk.cwd / "lab").mkdir()
    (desk.cwd / "pyproject.toml").write_text(
        '[project]\nname = "job"\ndependencies = ["onlypypi"]\n[tool.uv.sources]\nonlypypi = { index = "lab" }\n'
        '[[tool.uv.index]]\nname = "lab"\nurl = "lab"\nexplicit = true\n'
    )
    for option in ([], ["--dry-run"]):
        done = desk.run("-c", str(desk.channel), *option, "pyproject.toml", "env", PIP_NO_INDEX="0")
        assert done.returncode == 4, done.stderr
        assert "onlypypi" in one_line(done.stderr)


def test_create__requirements_with_an_index__take_the_best_version_of_all(desk: Desk) -> None:
    folder = desk.cwd / "lab" / "onlypypi"
    wheel = write_wheel(folder, "onlypypi", {"onlypypi.py": "ANSWER = 77\n"}, version="7.7")
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    (desk.cwd / "requirements.txt").write_text("--extra-index-url ./lab\nonlypypi\n")
    done = desk.run(
        "-c", str(desk.channel), "requirements.txt", "env", PIP_NO_INDEX="0", UV_DEFAULT_INDEX=str(desk.cwd / "none")
    )
    assert done.returncode == 0, done.stderr
    assert (desk.envs / "env" / SITE / "onlypypi.py").read_text() == "ANSWER = 77\n"


def test_create__project_whose_build_needs_a_source__is_refused_by_name(desk: Desk) -> None:
    write_project(desk.cwd / "mine")
    path = desk.cwd / "mine" / "pyproject.toml"
    path.write_text(
        path.read_text().replace("requires = []", 'requires = ["builder"]')
        + '[tool.uv.sources]\nbuilder = { path = "../b" }\n'
    )
    (desk.cwd / "requirements.txt").write_text("./mine\n")
    done = desk.run("-c", str(desk.channel), "requirements.txt", "env")
    assert done.returncode == 4, done.stderr
    assert "it is built with builder, which [tool.uv.sources] places" in one_line(done.stderr)


def test_create__project_of_poetrys_whose_dependency_has_its_own_index__is_refused_by_name(desk: Desk) -> None:
    write_project(desk.cwd / "mine", more="Requires-Dist: onlypypi\n")
    with (desk.cwd / "mine" / "pyproject.toml").open("a") as file:
        file.write('[tool.poetry.dependencies]\nonlypypi = { version = "*", source = "lab" }\n')
    (desk.cwd / "requirements.txt").write_text("./mine\n")
    done = desk.run("-c", str(desk.channel), "requirements.txt", "env")
    assert done.returncode == 4, done.stderr
    assert "takes onlypypi from an index of its own; name onlypypi with that index" in one_line(done.stderr)


def test_create__script_that_places_its_dependency__has_that_one_under_the_name_it_is_imported_by(desk: Desk) -> None:
    wheel = write_wheel(desk.cwd / "libs", "onlypypi", {"other_name.py": "WHOSE = 'lab'\n"}, version="7.0")
    (desk.cwd / "task.py").write_text(
        '# /// script\n# dependencies = ["onlypypi"]\n# [tool.uv.sources]\n'
        f'# onlypypi = {{ path = "libs/{wheel.name}" }}\n# ///\nimport other_name\n'
    )
    spec = analyze_script(desk.cwd / "task.py")
    (desk.cwd / "deps.json").write_text(spec.to_json())
    done = desk.run("-c", str(desk.channel), "--map", "other_name=onlypypi==0.9", "--dry-run", "deps.json", "env")
    assert "onlypypi 0.9 PyPI" in " ".join(done.stdout.split()), done.stderr
    (desk.cwd / "deps.json").write_text(spec.replace(modules=()).to_json())
    done = desk.run("-c", str(desk.channel), "deps.json", "env")
    assert done.returncode == 0, done.stderr
    assert (desk.envs / "env" / SITE / "other_name.py").read_text() == "WHOSE = 'lab'\n"
