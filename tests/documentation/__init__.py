"""What the documentation says is so: its examples run, its messages come from a run, its links lead somewhere."""
