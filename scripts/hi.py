"""A small real task: numpy for the work, cowsay (which only PyPI has) for the answer."""

import sys

import cowsay
import numpy as np

rng = np.random.default_rng(seed=7)
points = rng.random((1_000_000, 2))
pi = 4 * np.mean(np.hypot(points[:, 0], points[:, 1]) < 1)
cowsay.cow(f"pi is about {pi:.3f}, says Python {sys.version.split()[0]} with numpy {np.__version__}")
