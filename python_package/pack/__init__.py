"""prefix -> NAME.tar.gz, by conda-pack's rules; the only package that imports conda_pack."""

from python_package.pack.contents import CompiledBy
from python_package.pack.difference import Base, read_base
from python_package.pack.manifest import Manifest, read
from python_package.pack.packer import Packer, pack

__all__ = ["Base", "CompiledBy", "Manifest", "Packer", "pack", "read", "read_base"]
