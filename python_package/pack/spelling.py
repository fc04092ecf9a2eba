"""How a file spells a path; the function is also copied into conda-unpack, which any version of Python may run."""


def spelled(file, path):
    # type: (str, str) -> str
    """Return a path as it stands in a string literal of the file's language, where that has characters to escape."""
    if file.endswith((".py", ".json")):
        path = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if file.endswith(".py"):
        path = path.replace("'", "\\'")
    return path
