"""Conda packages made from what is at hand: this host's CPython, and wheels."""

from __future__ import annotations

TYPE_CHECKING = False  # analyze, too, asks the default python3, and has no time for typing

__all__ = ["HostChannel", "build", "default_cache", "host_channel"]

if TYPE_CHECKING:
    from python_package.host_python.channel import HostChannel, build, default_cache, host_channel
else:

    def __getattr__(name: str) -> object:
        """Import late: `python -m` runs this with the working directory first on the import path."""
        if name in __all__:
            from python_package.host_python import channel

            return getattr(channel, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
