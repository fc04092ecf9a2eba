# [lines]
export PYSPARK_PYTHON=./environment/bin/python
spark-submit --master "$MASTER" --archives venv.tar.gz#environment job.py
# [end]
