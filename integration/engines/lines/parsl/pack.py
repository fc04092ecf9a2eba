"""Parsl through Work Queue: each function's environment is packed by python_package_create and travels with it."""

import json

import parsl
from parsl.executors import WorkQueueExecutor
from parsl.providers import LocalProvider


@parsl.python_app
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


if __name__ == "__main__":
    # [lines]
    workers_are_there = LocalProvider(init_blocks=0, max_blocks=0)
    executor = WorkQueueExecutor(pack=True, port=9123, provider=workers_are_there)
    # [end]
    with parsl.load(parsl.Config(executors=[executor], usage_tracking=0)):
        for future in [work(number) for number in range(8)]:
            print(json.dumps(future.result(timeout=150)))
