"""Runs on the manager's machine, under Debian's python3: two tasks for each worker.  usage: WORKERS TARBALL BANDWIDTH"""

import json
import sys
import time

import work_queue

# Says when Python runs, where all workers keep their files, and stays until every worker has said so: thus each worker,
# which has two cores, gets two tasks.
_TASK = """
import os, pathlib, socket, time
place = pathlib.Path("/workspaces")
now = time.time()
(place / f"{socket.gethostname()}-{os.getpid()}.new").write_text(str(now))
(place / f"{socket.gethostname()}-{os.getpid()}.new").rename(place / f"{socket.gethostname()}-{os.getpid()}.first")
while not (place / "all").exists() and time.time() < now + 150:
    time.sleep(0.2)
"""
workers, tarball, bandwidth = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with open("task.py", "w") as file:
    file.write(_TASK)
queue = work_queue.WorkQueue(9123)
if bandwidth != "0":
    work_queue.work_queue_set_bandwidth_limit(queue._work_queue, bandwidth)
while queue.stats.workers_connected < workers:
    queue.wait(1)
start = time.time()
for _ in range(2 * workers):
    task = work_queue.Task(f"./python_package_run {tarball[: -len('.tar.gz')]} 'python3 task.py'")
    for path in ("python_package_run", tarball, "task.py"):
        task.specify_input_file(path, path, cache=True)
    task.specify_cores(1)
    task.specify_memory(100)
    task.specify_disk(500)
    queue.submit(task)
failed = []
while not queue.empty() and not failed:
    task = queue.wait(5)
    if task and (task.return_status or task.result):
        failed.append([task.return_status, task.result, task.output])
stats = queue.stats
print(json.dumps({"start": start, "failed": failed, "sent": stats.bytes_sent, "sending": stats.time_send / 1e6}))
