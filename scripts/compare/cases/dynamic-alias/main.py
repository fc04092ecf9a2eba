from importlib import import_module as load
import importlib as lib

first = load("numpy")
lib.import_module("pandas")
