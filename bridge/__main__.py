"""`python -m bridge`, and the console script."""

import os
import signal
import sys


def main() -> None:
    """Run the commands.

    As process 1 of a container a process is not ended by a SIGTERM that it does not handle. Until a command does so,
    which takes a second to load, it ends as any other process would.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    from bridge.commandline.cli import app  # noqa: PLC0415 - what takes the second

    app()


if __name__ == "__main__":
    main()
