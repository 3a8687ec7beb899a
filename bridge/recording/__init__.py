"""Recordings of the cloud's frames for a bug report (`cloud.record_file`): written here, read again for a replay."""
