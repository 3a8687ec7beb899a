"""The programs that the bridge is compared with. Each is a few lines of code, run as its own process."""
