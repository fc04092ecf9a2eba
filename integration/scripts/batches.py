"""Runs on the manager's machine, under Debian's python3: 60 tasks for each file named, then what went to the workers.

Each file is an environment's tarball or difference. Prints JSON: by file, what the tasks printed, and the bytes of the
files that the manager sent meanwhile, by its own statistics.
"""

import json
import os
import sys

import work_queue

TASKS = 60

queue = work_queue.WorkQueue(9123)
found = {}
for path in sys.argv[1:]:
    before = queue.stats.bytes_sent
    name = path.split(".")[0]
    for number in range(TASKS):
        task = work_queue.Task("./python_package_run %s 'sleep 0.1; python3 -m ours %d'" % (name, number))
        task.specify_input_file("python_package_run", cache=True)
        task.specify_input_file(path, cache=True)
        task.specify_cores(1)
        task.specify_memory(100)
        task.specify_disk(500)
        task.specify_max_retries(1)
        queue.submit(task)
    printed = []
    while not queue.empty():
        task = queue.wait(5)
        if task:
            printed.append(task.output.strip() if task.return_status == 0 else repr(task.output))
    found[path] = {"printed": sorted(printed), "sent": queue.stats.bytes_sent - before, "size": os.stat(path).st_size}
print(json.dumps(found))
