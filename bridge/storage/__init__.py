"""The storage of what survives a restart: the file, its tables, and when they are written."""
