import distutils.core
import imp
import asyncore
import numpy
