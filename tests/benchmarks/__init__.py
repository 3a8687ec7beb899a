"""Compares the speed of the bridge with comparable programs: `make bench`. docs/performance.md has a run."""
