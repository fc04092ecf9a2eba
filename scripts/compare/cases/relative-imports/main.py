from shapes import circle
