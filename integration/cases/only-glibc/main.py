"""Of the worker, a task uses nothing but glibc: every other library that is mapped lies in the environment."""

import ctypes
import os
import sqlite3
import ssl
import subprocess
import sys

import lxml.etree
import matplotlib.ft2font
import numpy.linalg
import pandas

GLIBC = ("libc", "libm", "libdl", "libpthread", "librt", "libutil", "libresolv", "ld-linux", "libnss", "libanl", "libmvec")
prefix = os.environ["CONDA_PREFIX"] + "/"
with open("/proc/self/maps") as maps:
    mapped = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
for path in sorted(mapped):
    name = os.path.basename(path)
    if not path.startswith(prefix) and ".so" in name and name.split(".")[0].split("-x86")[0] not in GLIBC:
        print("from the worker:", path)
print(all(path.startswith(prefix) for path in [*sys.path[1:], sys.executable, os.__file__, numpy.__file__]))
print(subprocess.run(["python", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True).stdout == prefix[:-1] + "\n")
