set -eu
# [lines]
./python_package_run venv "dask worker $SCHEDULER"
# [end]
