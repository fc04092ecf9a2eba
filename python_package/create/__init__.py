"""python_package_create: Spec -> prefix -> tarball; one pipeline, its steps in the order in which they run."""
