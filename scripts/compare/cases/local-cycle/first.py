import second
import numpy
