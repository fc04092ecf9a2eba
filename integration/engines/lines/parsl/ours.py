"""Parsl: the pool of workers runs in the environment."""

import json

import parsl
from parsl.executors import HighThroughputExecutor
from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD
from work import work

# [lines]
executor = HighThroughputExecutor(
    address="127.0.0.1",
    launch_cmd="./python_package_run -e venv.tar.gz -- " + DEFAULT_LAUNCH_CMD,
)
# [end]
executor.max_workers_per_node = 2
with parsl.load(parsl.Config(executors=[executor], usage_tracking=0)):
    for future in [parsl.python_app(work)(number) for number in range(8)]:
        print(json.dumps(future.result(timeout=90)))
