import numpy
type Pair[T] = tuple[T, T]
print(f"{d["key"]} {f"{f"{1}"}"}", t"{numpy}")
try:
    import pandas
except ValueError, TypeError:
    pass
import scipy
