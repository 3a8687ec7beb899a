"""Fuzzing: what reads bytes from outside, under bytes that nobody would send."""
