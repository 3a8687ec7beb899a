"""`python -m bridge`, and the console script."""

import os
import signal
import sys


def main() -> None:
    """Run the commands.

    Process 1 of a container ignores a SIGTERM that it does not handle. Until a command handles it, which takes a second
    to load, this handler ends the process.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    from bridge.commandline.cli import app  # noqa: PLC0415 - what takes the second

    app()


if __name__ == "__main__":
    main()
