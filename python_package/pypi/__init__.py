"""What comes from PyPI: the only package that runs uv."""
