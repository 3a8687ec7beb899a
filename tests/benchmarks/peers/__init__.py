"""What the bridge is compared with: each a few lines of what a person would write, run as a process of its own."""
