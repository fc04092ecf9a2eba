"""Analyze a Python script, build its Conda environment, run it on any worker."""
