"""Compare what we do with what others do, by running all of them on the same hard scripts."""
