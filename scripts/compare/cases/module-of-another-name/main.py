import pkg_resources
from mpl_toolkits.mplot3d import Axes3D
