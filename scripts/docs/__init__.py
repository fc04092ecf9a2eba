"""Makes what the documentation shows and nobody types: the man pages as Markdown, and the pictures."""
