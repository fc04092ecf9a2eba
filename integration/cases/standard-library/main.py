import bz2
import ctypes
import curses
import lzma
import readline
import sqlite3
import uuid
import zlib

data = b"worker" * 1000
for codec in (bz2, lzma, zlib):
    print(codec.__name__, codec.decompress(codec.compress(data)) == data)
print("sqlite", sqlite3.connect(":memory:").execute("select sum(value) from json_each('[1, 2, 39]')").fetchone()[0])
print("ctypes", ctypes.CDLL(None).strlen(b"seven  "))
readline.add_history("a line")
print("readline", readline.get_current_history_length())
print("curses", curses.tigetnum.__name__)
print("uuid", uuid.uuid5(uuid.NAMESPACE_DNS, "example.com"))
