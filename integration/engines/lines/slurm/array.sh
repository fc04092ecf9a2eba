#!/bin/sh
#SBATCH --array=0-19
#SBATCH --output=array-%a.out
set -eu
# [lines]
sbcast venv.tar.gz "/tmp/venv-$SLURM_JOB_ID.tar.gz"
./python_package_run -e "/tmp/venv-$SLURM_JOB_ID.tar.gz" -- python3 task.py "$SLURM_ARRAY_TASK_ID"
rm "/tmp/venv-$SLURM_JOB_ID.tar.gz"
# [end]
