import pandas; import numpy; x = 1; from scipy import stats; print(x)
