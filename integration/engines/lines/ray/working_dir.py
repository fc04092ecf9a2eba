"""Ray: wrapper and tarball travel to the workers as part of the working directory."""

import json

import ray
from work import work

# [lines]
runtime_env = {"working_dir": ".", "py_executable": "./python_package_run -e venv.tar.gz -- python"}
ray.init(runtime_env=runtime_env)
# [end]
for report in ray.get([ray.remote(work).remote(number) for number in range(8)]):
    print(json.dumps(report))
