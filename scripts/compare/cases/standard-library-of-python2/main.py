try:
    import cPickle as pickle
except ImportError:
    import pickle
try:
    from urllib2 import urlopen
except ImportError:
    from urllib.request import urlopen
import numpy
