"""Fuzzing of the parsers of external input."""
