"""Set-ups of mirrors in Conda's configuration: the one channel there is, is found by them alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

from scripts.faults.injection import Try, fault, is_one_line

# What the files of a home say, and variables; {mirror} is the folder that the channel `main` is in.
_FOUND: tuple[tuple[Mapping[str, str], Mapping[str, str]], ...] = (
    ({".condarc": "channels: [defaults]\ndefault_channels: ['file://{mirror}/main']\n"}, {}),
    ({".condarc": "channels: [main]\ncustom_channels:\n  main: file://{mirror}\n"}, {}),
    ({".condarc": "channels: [site]\ncustom_multichannels:\n  site: ['file://{mirror}/main']\n"}, {}),
    ({".condarc": "channels: ['https://old.invalid/main']\nmigrated_custom_channels:\n  main: https://old.invalid\n"
                  "custom_channels:\n  main: file://{mirror}\n"}, {}),
    ({".condarc": "channels: ['file://${{MIRROR}}/main']\n"}, {"MIRROR": "{mirror}"}),
    ({".condarc": "channels: [main]\n"}, {"CONDA_CHANNEL_ALIAS": "file://{mirror}"}),
    ({".condarc": "channels: [main]\nchannel_alias: https://own.invalid\n",
      ".conda/condarc": "channel_alias: file://{mirror}  #!final\n"}, {}),
    ({"base/.condarc": "channels: ['file://{mirror}/main']\n"}, {"CONDA_EXE": "{home}/base/bin/conda"}),
    ({"base/condarc.d/site.yml": "channels: ['file://{mirror}/main']\n"}, {"CONDA_EXE": "{home}/base/bin/conda"}),
    ({"mine.yml": "channels: ['file://{mirror}/main']\n"}, {"CONDARC": "~/mine.yml"}),
    ({"rc/a.yml": "channels: ['file://{mirror}/main']\n"}, {"CONDARC": "{home}/rc"}),
    ({".config/conda/condarc": "channels: ['file://{mirror}/main']\n"}, {"XDG_CONFIG_HOME": "{home}/empty"}),
)  # fmt: skip

# What decides where packages come from, is wrong or forbids the channel, and what the line has to name.
_REFUSED: tuple[tuple[str, str], ...] = (
    ("allowlist_channels: [conda-forge]\n", "allowlist_channels"),
    ("denylist_channels: ['file://{channel}']\n", "denylist_channels"),
    ("subdir: osx-64\n", "subdir"),
    ("channels: conda-forge\n", "channels"),
    ("custom_channels: [a]\n", "custom_channels"),
    ("ssl_verify: /no/such.pem\n", "ssl_verify"),
    ("client_ssl_cert: /no/such.pem\n", "client_ssl_cert"),
    ("channel_priority: sometimes\n", "channel_priority"),
    ("pinned_packages: ['python =>=']\n", "pinned_packages"),
    ("channels: [unclosed\n", ".condarc"),
)


@fault("7", "a mirror is set up in Conda's configuration", tries=len(_FOUND))
def found(attempt: Try) -> bool:
    """Solve: the only channel that has python is the one that the configuration leads to."""
    files, variables = _FOUND[attempt.index]
    done = _solve(attempt, files, variables)
    return done[0] == 0


@fault("7", "Conda's configuration is broken, forbids the channel, or cannot be honoured", tries=len(_REFUSED))
def not_honoured(attempt: Try) -> bool:
    """Solve from the channel: it ends in one line with code 4 that names the key."""
    text, word = _REFUSED[attempt.index]
    code, stderr = _solve(attempt, {".condarc": text}, {}, "-c", f"file://{attempt.supplies.channel}")
    return code == 4 and is_one_line(stderr) and word in stderr.splitlines()[-1]


def _solve(attempt: Try, files: Mapping[str, str], variables: Mapping[str, str], *argv: str) -> tuple[int, str]:
    home, mirror = attempt.folder / "home", attempt.folder / "mirror"
    mirror.mkdir()
    (mirror / "main").symlink_to(attempt.supplies.channel)
    places = {"home": str(home), "mirror": str(mirror), "channel": str(attempt.supplies.channel)}
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text.format(**places))
    (attempt.folder / "spec.json").write_text(json.dumps({"python": ">=3.7", "modules": []}))
    extra = [f"{name}={value.format(**places)}" for name, value in variables.items()]
    options = ["--dry-run", "--interpreter=channel", *argv, "spec.json", "x"]
    done = attempt.run("env", *extra, attempt.commands.create, *options)
    return done.returncode, done.stderr
