"""python_package_run and everything else that travels to a worker: shell files, and nothing that is imported."""
