"""What the cases import, in one environment."""

import cloudpickle
import dill
import lxml.etree
import matplotlib
import numpy
import pandas
import pytest
import tqdm

print(
    [module.__name__ for module in (cloudpickle, dill, lxml.etree, matplotlib, numpy, pandas, pytest, tqdm)]
)
