"""dask-jobqueue: Slurm starts the workers."""

import json

from dask_jobqueue import SLURMCluster
from distributed import Client
from work import work

if __name__ == "__main__":
    # [lines]
    cluster = SLURMCluster(cores=1, memory="1GB", python="./python_package_run -e venv.tar.gz -- python")
    # [end]
    cluster.scale(jobs=2)
    with Client(cluster) as client:
        client.wait_for_workers(1, timeout=90)
        client.get_versions(check=True)
        for report in client.gather(client.map(work, range(8))):
            print(json.dumps(report))
    cluster.close()
