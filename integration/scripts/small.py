"""What a Work Queue PythonTask needs, and no more."""

import dill

print(dill.loads(dill.dumps(lambda: "ready"))())
