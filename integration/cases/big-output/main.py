import sys

line = b"0123456789abcde" * 1000 + b"\n"
for _ in range(100_000_000 // len(line)):
    sys.stdout.buffer.write(line)
