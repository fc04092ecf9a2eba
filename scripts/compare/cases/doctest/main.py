def f():
    """Do it.

    >>> import nobody
    """


import numpy
