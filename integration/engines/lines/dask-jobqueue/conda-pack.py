"""dask-jobqueue: Slurm starts the workers."""

import json

from dask_jobqueue import SLURMCluster
from distributed import Client
from work import work

if __name__ == "__main__":
    # [lines]
    cluster = SLURMCluster(
        cores=1,
        memory="1GB",
        python="python",
        job_script_prologue=[
            "mkdir -p /tmp/env-$SLURM_JOB_ID",
            "tar xzf venv.tar.gz -C /tmp/env-$SLURM_JOB_ID",
            "source /tmp/env-$SLURM_JOB_ID/bin/activate",
            "conda-unpack",
        ],
    )
    # [end]
    cluster.scale(jobs=2)
    with Client(cluster) as client:
        client.wait_for_workers(1, timeout=90)
        client.get_versions(check=True)
        for report in client.gather(client.map(work, range(8))):
            print(json.dumps(report))
    cluster.close()
