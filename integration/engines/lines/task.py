"""A small task: what numpy and pandas make of a number, and where this ran."""

import json
import socket
import sys

import numpy
import pandas

number = int(sys.argv[1])
table = pandas.DataFrame({"x": numpy.arange(number + 1)})
print(
    json.dumps(
        {
            "sum": int(table["x"].sum()),
            "prefix": sys.prefix,
            "numpy": numpy.__file__,
            "pandas": pandas.__file__,
            "node": socket.gethostname(),
        }
    )
)
