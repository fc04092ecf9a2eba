import helper
from shapes import circle

print(helper.greet("worker"), round(circle.area(2), 3))
