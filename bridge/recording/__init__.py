"""Recordings of the cloud's frames for bug reports (`cloud.record_file`): writing them, and reading them again."""
