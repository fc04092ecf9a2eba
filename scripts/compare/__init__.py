"""Compare our tools with others by running all of them on the same hard scripts."""
