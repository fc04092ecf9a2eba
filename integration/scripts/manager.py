"""Runs on the manager's machine, under Debian's python3: ten PythonTasks in an environment of ours."""

import json

import work_queue


def describe(number):
    """Say where this runs, and do a little work; travels to the worker by value."""
    import dill
    import sys

    return {"number": number * number, "version": sys.version.split()[0], "prefix": sys.prefix, "dill": dill.__name__}


def fail(number):
    """Raise what the manager has to see."""
    raise ValueError(f"no {number}")


queue = work_queue.WorkQueue(9123)
for number in range(10):
    task = work_queue.PythonTask(fail if number == 9 else describe, number)
    task.specify_environment("small.tar.gz")
    task.specify_cores(1)
    task.specify_memory(100)
    task.specify_disk(500)
    task.specify_max_retries(2)
    queue.submit(task)
results = []
while not queue.empty():
    task = queue.wait(5)
    if task:
        shown = task.output if isinstance(task.output, dict) else repr(task.output)
        results.append({"status": task.return_status, "result": task.result, "output": shown, "said": task.std_output})
print(json.dumps(results))
