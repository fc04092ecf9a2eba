import os
import sys

sys.path.append(os.path.join(os.getcwd(), "lib"))
import tools
