"""Ray: each worker process is a python of the environment."""

import json
import os

import ray
from work import work

# [lines]
here = os.getcwd()
runtime_env = {"py_executable": f"{here}/python_package_run -e {here}/venv.tar.gz -- python"}
ray.init(runtime_env=runtime_env)
# [end]
for report in ray.get([ray.remote(work).remote(number) for number in range(8)]):
    print(json.dumps(report))
