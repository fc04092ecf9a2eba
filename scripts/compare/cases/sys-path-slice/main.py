import sys

sys.path[0:0] = ["lib"]
import tools
