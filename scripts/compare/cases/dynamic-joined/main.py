import importlib

linalg = importlib.import_module("numpy" + ".linalg")
