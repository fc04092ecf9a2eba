"""Conda packages made from what is at hand: this host's CPython, and wheels."""

from python_package.channel.local import HostChannel, build, default_cache, host_channel

__all__ = ["HostChannel", "build", "default_cache", "host_channel"]
