"""The commands: the only room that knows argv, streams and exit codes."""
