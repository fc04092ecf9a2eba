#!/usr/bin/python3
# vim: set fileencoding=latin-1 :
name = 'café'
import numpy
