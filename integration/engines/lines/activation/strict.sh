#!/bin/bash
# [lines]
set -euo pipefail
mkdir env
tar xzf venv.tar.gz -C env
source env/bin/activate
python3 task.py 4
# [end]
