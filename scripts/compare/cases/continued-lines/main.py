from numpy \
    import array
from pandas import (  # import nobody
    DataFrame,
    Series,
)
import \
    scipy
