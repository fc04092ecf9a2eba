import importlib

BACKEND = "numpy"
module = importlib.import_module(BACKEND)
