"""Checks of the documentation: its examples run, its messages come from a run, its links exist."""
