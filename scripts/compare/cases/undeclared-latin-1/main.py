import numpy
# café
import pandas
