"""Spec -> prefix: solve and link Conda packages, add what no channel has from PyPI, check that all of it imports."""
