import numpy as np
import pandas as pd

matrix = np.arange(9.0).reshape(3, 3) + np.eye(3)
print(round(float(np.linalg.det(matrix)), 6))
frame = pd.DataFrame({"kind": list("abab"), "value": [1, 2, 3, 4]})
print(frame.groupby("kind")["value"].sum().to_dict())
print(pd.Timestamp("2024-03-31", tz="Europe/Berlin").utcoffset())
