from ..shapes import area
import scipy
