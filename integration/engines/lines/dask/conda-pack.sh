# [lines]
mkdir -p env
tar xzf venv.tar.gz -C env
source env/bin/activate
conda-unpack
dask worker "$SCHEDULER"
# [end]
