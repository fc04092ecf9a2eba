"""What a Work Queue PythonTask needs, and a command to start by name."""

import dill
import pytest

print(pytest.__name__, dill.loads(dill.dumps(lambda: "ready"))())
