"""How fast the bridge is, beside what people would use instead: `make bench`. docs/performance.md has a run."""
