"""The commands: nothing else knows argv, streams and exit codes."""
