"""Files and folders: bounded reading, documents, temporary folders, the place of the caches."""
