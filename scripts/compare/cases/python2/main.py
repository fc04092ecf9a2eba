import numpy
print "hello", `numpy`
try:
    import pandas
except ImportError, error:
    raise ValueError, "no"
import scipy; print >>x, 0777
