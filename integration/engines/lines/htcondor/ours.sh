#!/bin/bash
# [lines]
set -e
./python_package_run venv "python3 task.py 4"
# [end]
