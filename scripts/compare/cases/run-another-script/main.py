import runpy

runpy.run_path("other.py")
