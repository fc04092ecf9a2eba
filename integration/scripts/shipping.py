"""Runs on the manager's machine, under Debian's python3.  usage: WORKERS BANDWIDTH TARBALL [DIFFERENCE]

For each file there are two tasks for each worker, those of the second one after those of the first.
"""

import json
import sys
import time
from pathlib import Path

import work_queue

# Says when Python runs, where all workers keep their files, and stays until every worker has said so: thus each worker,
# which has two cores, gets two tasks.
_TASK = """
import os, pathlib, socket, sys, time
place, batch, now = pathlib.Path("/workspaces"), sys.argv[1], time.time()
new = place / f"{socket.gethostname()}-{os.getpid()}.new"
new.write_text(str(now))
new.rename(new.with_suffix(f".first-{batch}"))
while not (place / f"all-{batch}").exists() and time.time() < now + 150:
    time.sleep(0.2)
"""
workers, bandwidth, files = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
Path("task.py").write_text(_TASK)
queue = work_queue.WorkQueue(9123)
if bandwidth != "0":
    work_queue.work_queue_set_bandwidth_limit(queue._work_queue, bandwidth)
while queue.stats.workers_connected < workers:
    queue.wait(1)
failed, batches, sent, sending = [], [], 0, 0
for number, shipped in enumerate(files):
    start = time.time()
    name = shipped.removesuffix(".tar.gz").removesuffix(".delta")
    for _ in range(2 * workers):
        task = work_queue.Task(f"./python_package_run {name} 'python3 task.py {number}'")
        for path in ("python_package_run", shipped, "task.py"):
            task.specify_input_file(path, path, cache=True)
        task.specify_cores(1)
        task.specify_memory(100)
        task.specify_disk(500)
        queue.submit(task)
    while not queue.empty() and not failed:
        task = queue.wait(5)
        if task and (task.return_status or task.result):
            failed.append([task.return_status, task.result, task.output])
    if failed:
        break
    stats = queue.stats
    batches.append({"start": start, "sent": stats.bytes_sent - sent, "sending": (stats.time_send - sending) / 1e6})
    sent, sending = stats.bytes_sent, stats.time_send
print(json.dumps({"failed": failed, "batches": batches}))
