import os, sys, numpy
