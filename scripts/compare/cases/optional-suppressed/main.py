from contextlib import suppress

with suppress(ImportError):
    import ujson
import numpy
