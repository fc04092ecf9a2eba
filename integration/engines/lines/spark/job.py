"""A Spark job: each partition says what pandas and numpy make of its number, where it ran, and what works there."""

import json
import os
import ssl
import subprocess
import sys

from pyspark.sql import SparkSession


def task(number):
    """Return what lines/task.py prints, the certificates, and what an entry point says."""
    import numpy
    import pandas

    tool = os.path.join(os.path.dirname(sys.executable), "f2py")
    said = subprocess.run([tool, "-v"], capture_output=True, text=True, env={})
    table = pandas.DataFrame({"x": numpy.arange(number + 1)})
    return {
        "sum": int(table["x"].sum()),
        "prefix": sys.prefix,
        "numpy": numpy.__file__,
        "pandas": pandas.__file__,
        "version": numpy.__version__,
        "certificates": ssl.create_default_context().cert_store_stats()["x509_ca"],
        "f2py": said.stdout.strip() or said.returncode,
    }


session = SparkSession.builder.getOrCreate()
numbers = session.sparkContext.parallelize(range(8), 4)
for report in numbers.map(task).collect():
    print(json.dumps(report))
session.stop()
