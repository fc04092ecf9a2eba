"""The man pages' HOW TO TEST, as they have it: the three commands in the checkout's own scripts folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from desk import PYTHON, Desk
from wheels import write_wheel

SCRIPTS = Path(__file__).parents[2] / "scripts"
COMMANDS = ("python_package_analyze", "python_package_create", "python_package_run")


def test_commands__in_the_scripts_folder__analyze_create_and_run_hi(desk: Desk, tmp_path: Path) -> None:
    # Only PyPI has it, and no test needs the network.
    write_wheel(tmp_path / "index", "cowsay", {"cowsay.py": "def cow(text):\n    print('moo:', text)\n"})
    (desk.home / ".condarc").write_text(f"channels: [{desk.channel}]\n")
    # What the commands write is not for the checkout.
    for name in ("hi.py", *COMMANDS):
        (desk.cwd / name).symlink_to(SCRIPTS / name)

    def run(*argv: str) -> str:
        done = subprocess.run(argv, cwd=desk.cwd, env=desk.environ, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("./python_package_analyze", "hi.py", "output.json")
    written = json.loads((desk.cwd / "output.json").read_text())
    assert (written["python"], written["modules"]) == (PYTHON, ["cowsay", "numpy"])
    run("./python_package_create", "output.json", "venv")
    assert (desk.envs / "venv" / "conda-meta" / "history").is_file()
    said = run("./python_package_run", "venv", "python3 hi.py")
    assert said.startswith("moo: pi is about 3.14")
    assert f"says Python {PYTHON} with numpy" in said
