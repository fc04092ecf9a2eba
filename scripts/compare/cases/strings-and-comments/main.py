"""
import nobody1
"""
# import nobody2
text = """
from nobody3 import x
"""
more = "\
import nobody4"
import numpy
