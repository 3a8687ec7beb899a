"""The entry point of `python -m bridge` and of the console script."""

import os
import signal
import sys

from bridge.long_lived import kept_out


def main() -> None:
    """Run the command line.

    Process 1 of a container ignores a SIGTERM without a handler. Loading a command, which then handles SIGTERM, takes
    about a second. Until then this handler ends the process.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with kept_out():
        from bridge.commandline.cli import app  # noqa: PLC0415 - this import takes the second

    app()


if __name__ == "__main__":
    main()
