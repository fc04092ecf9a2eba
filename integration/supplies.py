"""What is fetched or made on this machine beforehand, so that nothing in a container needs a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from conda_package_streaming.extract import extract

from integration.cache import kept
from integration.images import CHECKOUT, MINICONDA, build
from python_package.host_python import channel

# What the scripts of the cases import; FROM_PYPI is kept out of the channel, so that uv has something to install.
IN_CHANNEL = ("numpy", "pandas", "matplotlib", "lxml", "pytest", "dill", "cloudpickle")
FROM_PYPI = ("tqdm",)
_INSTALLERS = ("pip", "hatchling", "editables")


@dataclass(frozen=True)
class Supplies:
    """A folder that is kept between runs, under a name that changes with what it would hold."""

    folder: Path

    @property
    def channel(self) -> Path:
        """The local Conda channel: this machine's CPython and IN_CHANNEL."""
        return self.folder / "channel"

    @property
    def context(self) -> Path:
        """What the builder's image is made of: this machine's CPython and wheels."""
        return self.folder / "context"

    def builder_image(self) -> str:
        """Return the image of the builder."""
        shutil.copyfile(CHECKOUT / "docker" / "builder" / "Dockerfile", self.context / "Dockerfile")
        return build("builder", self.context, MINICONDA, key=self.folder.name)


def prepare() -> Supplies:
    """Return the supplies, made now if they are not there."""
    requirements = [each for each in requires("python-packaging-utilities") or () if "extra ==" not in each]
    code = [path.read_bytes() for path in sorted(Path(channel.__file__).parent.glob("*.py"))]
    facts = [sys.version, *requirements, Path(__file__).read_text()]
    return Supplies(kept("supplies", [*facts, *code], lambda folder: _make(Supplies(folder), requirements)))


def _make(supplies: Supplies, requirements: list[str]) -> None:
    channel.build(supplies.channel, IN_CHANNEL, python=sys.executable)
    (python,) = supplies.channel.glob("linux-*/python-3*.conda")
    extract(str(python), str(supplies.context / "python"))
    wheels = supplies.context / "wheels"
    wanted = [*requirements, *_INSTALLERS, *FROM_PYPI]
    download = [sys.executable, "-m", "pip", "download", "-qq", "--only-binary=:all:", "--dest", str(wheels)]
    subprocess.run([*download, *wanted], check=True, timeout=600)
    (wheels / "requirements.txt").write_text("\n".join([*requirements, *_INSTALLERS]) + "\n")
