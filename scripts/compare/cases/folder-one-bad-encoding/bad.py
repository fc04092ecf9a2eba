x = 'ÿþ'
import scipy
