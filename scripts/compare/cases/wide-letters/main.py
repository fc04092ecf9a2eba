import ｎｕmpy
