"""Ray: each worker process is a python of the environment, unpacked beforehand on each machine."""

import json
import os
import subprocess

import ray
from work import work

# [lines]
unpack = "mkdir -p env && tar xzf venv.tar.gz -C env && env/bin/python env/bin/conda-unpack"
subprocess.run(unpack, shell=True, check=True)
runtime_env = {"py_executable": f"{os.getcwd()}/env/bin/python"}
ray.init(runtime_env=runtime_env)
# [end]
for report in ray.get([ray.remote(work).remote(number) for number in range(8)]):
    print(json.dumps(report))
