#!/bin/sh
#SBATCH --output=job.out
# [lines]
./python_package_run venv "python3 task.py 4"
# [end]
