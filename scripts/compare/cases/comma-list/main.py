import numpy, pandas, scipy
