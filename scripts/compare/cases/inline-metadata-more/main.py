# /// script
# dependencies = ["pandas", "pyarrow"]
# ///
import pandas

pandas.read_parquet("x")
