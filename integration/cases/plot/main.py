import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

figure, axes = plt.subplots(figsize=(4, 3), dpi=100)
axes.plot([1, 4, 9, 16])
axes.set_title("squares")
figure.savefig("plot.png")
print("drawn")
