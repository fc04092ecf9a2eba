import sys

print(sys.argv[1:])
print(sum(range(101)))
