"""Real environments for the tarball's tests: linked by py-rattler from local channels, filled by uv from own wheels."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from uv import find_uv_bin
from wheels import write_wheel

from python_package.conda.records import index_channel
from python_package.conda.solver import Channels
from python_package.host_python import conda_package
from python_package.progress import Silent

# What holds the placeholder of its package: a script, a text, a library with two strings.
HELD = conda_package.PLACEHOLDER
LIBRARY = b"\x7fELF\0" + HELD.encode() + b"/lib:" + HELD.encode() + b"/lib64\0\1\2" + HELD.encode() + b"\0\xff\xfeend"


@dataclass(frozen=True)
class Workshop:
    """Makes environments: `folder` is its scratch space, with a short path since binary files have little room."""

    folder: Path
    channel: Path

    @property
    def layers(self) -> Path:
        """Return a cache of packed layers that tests share."""
        return self.folder / "layers"

    @property
    def packages(self) -> Path:
        """Return the cache of extracted Conda packages."""
        return self.folder / "rattler" / "pkgs"

    def environment(self, prefix: Path, *specs: str, wheels: Sequence[Path] = (), options: Sequence[str] = ()) -> Path:
        """Make an environment of Conda packages and, through uv, of wheels; return its prefix."""
        channels = Channels([str(self.channel), str(self.folder / "channel")])
        channels.link(channels.solve(["python", *specs]), prefix, Silent())
        if wheels:
            command = [find_uv_bin(), "pip", "install", "--quiet", "--offline", "--no-deps", "--no-config", *options]
            # What builds a source tree is installed already: nothing is fetched.
            command += ["--no-build-isolation", "--python", str(prefix / "bin/python"), *map(str, wheels)]
            subprocess.run(
                command, check=True, env={**os.environ, "UV_CACHE_DIR": str(self.folder / "uv")}, timeout=120
            )
        return prefix

    def wheel(self, name: str = "colours", *, version: str = "1.0", tag: str = "py3-none-any") -> Path:
        """Return a wheel with a module, a command, and data, written once: uv unpacks a newer file again."""
        made = self.folder / "wheels" / f"{name}-{version}-{tag}.whl"
        if made.exists():
            return made
        files: dict[str, str | bytes] = {
            f"{name}/__init__.py": f"NAME = {name!r}\ndef main():\n    print('command of', NAME)\n",
            f"{name}/data.bin": b"\0\xff" * 5000,
        }
        entry = f"[console_scripts]\n{name} = {name}:main\n"
        return write_wheel(self.folder / "wheels", name, files, entry_points=entry, version=version, tag=tag)


@pytest.fixture(scope="session")
def workshop(channel: Path) -> Iterator[Workshop]:
    """Make a workshop whose own channel has `holder`, a package with the prefix in a script, a text and a library."""
    folder = Path(tempfile.mkdtemp(prefix="w"))
    made = Workshop(folder, channel)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RATTLER_CACHE_DIR", str(folder / "rattler"))
        _add_package(
            folder,
            "holder",
            {
                "bin/holder": f"#!{HELD}/bin/python\nprint('held')\n",
                "etc/holder.conf": f"root = {HELD}/share\nagain = {HELD}\n",
                "lib/libholder.so": LIBRARY,
                "lib/link.so": Path("libholder.so"),
                "share/holder/plain.txt": "plain\n",
            },
        )
        yield made
    shutil.rmtree(folder)


def _add_package(folder: Path, name: str, files: Mapping[str, str | bytes | Path]) -> None:
    stage = folder / "stage"
    for path, content in files.items():
        file = stage / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            file.symlink_to(content)
        else:
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        if path.startswith("bin/"):
            file.chmod(0o755)
    index = {"name": name, "version": "1.0", "build": "0", "subdir": "linux-64", "depends": ["__glibc >=2.5"]}
    conda_package.write(stage, conda_package.scan(stage), folder / "channel", index)
    index_channel(folder / "channel")
    shutil.rmtree(stage)
