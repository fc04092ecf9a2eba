import numpy as np, pandas as pd
from scipy import stats as st, linalg as la
