from math import pi


def area(radius):
    return pi * radius * radius
