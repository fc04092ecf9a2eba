"""The same task as a function; it travels by value where the engine has no other way."""


def work(number):
    """Return what pandas and numpy make of a number, and where this ran."""
    import socket
    import sys

    import numpy
    import pandas

    table = pandas.DataFrame({"x": numpy.arange(number + 1)})
    return {
        "sum": int(table["x"].sum()),
        "prefix": sys.prefix,
        "numpy": numpy.__file__,
        "pandas": pandas.__file__,
        "node": socket.gethostname(),
    }


work.__module__ = "__main__"  # so that it travels by value: no worker has this file
