set -eu
# [lines]
seq 0 7 | parallel './python_package_run venv "python3 task.py {}"'
# [end]
