"""Whoever asks where the environment is gets the place where it now lies: compilers, pkg-config, the standard library."""

import os
import pathlib
import sysconfig

prefix = os.environ["CONDA_PREFIX"]
print(sysconfig.get_config_var("BINDIR") == f"{prefix}/bin")
print(all(f"prefix={prefix}\n" in path.read_text() for path in pathlib.Path(prefix, "lib/pkgconfig").glob("python*.pc")))
