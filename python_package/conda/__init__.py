"""Conda: channels, the solve, linking, prefixes; the only package that imports rattler."""
