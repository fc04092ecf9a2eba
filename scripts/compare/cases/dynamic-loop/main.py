import importlib

for name in ("numpy", "scipy"):
    importlib.import_module(name)
