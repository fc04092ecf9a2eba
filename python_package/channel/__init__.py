"""The command `python -m python_package.channel`."""
