import sys

print("Grüße,", sys.argv[1], "✓")
print(open("größe.txt").read().strip(), ascii("é"))
