#!/bin/bash
#SBATCH --output=job.out
# [lines]
mkdir -p "/tmp/env-$SLURM_JOB_ID"
tar xzf venv.tar.gz -C "/tmp/env-$SLURM_JOB_ID"
source "/tmp/env-$SLURM_JOB_ID/bin/activate"
conda-unpack
python3 task.py 4
rm -r "/tmp/env-$SLURM_JOB_ID"
# [end]
