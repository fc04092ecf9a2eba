import sys

if sys.platform == "win32":
    import msvcrt
    import winreg
import numpy
