"""Conda packages made from what is at hand: this host's CPython, and wheels."""
