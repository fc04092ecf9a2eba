import importlib

load = importlib.import_module
module = load("scipy.stats")
