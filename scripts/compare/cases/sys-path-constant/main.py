import sys

LIBRARY = "lib"
sys.path.insert(0, LIBRARY)
import tools
