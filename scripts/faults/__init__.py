"""Faults injected into the three commands, from outside: what was tried, how often, and how often it ended right.

Each module of this package holds the injectors of one topic. An injector is a function that does one try:

    @fault("23", "another tarball takes the place of the one that is being read", tries=40)
    def replaced(attempt: Try) -> bool:
        ...
        return process.returncode in (0, 3)

It sees a checkout's commands only as a user does (argv, exit code, streams, files), so the same injector tells of any
commit. `make faults` runs them all against this checkout and against the commit before the faults were mended, where
each must find its fault, and writes the table of docs/reliability.md.
"""
