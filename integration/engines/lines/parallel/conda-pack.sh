# [lines]
mkdir -p env
tar xzf venv.tar.gz -C env
source env/bin/activate
conda-unpack
seq 0 7 | parallel python3 task.py {}
# [end]
