"""The entry point of `python -m bridge` and of the console script."""

import os
import signal
import sys
from typing import Final

from bridge.long_lived import kept_out

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    """Run the command line.

    Loading a command takes about a second. Until it handles the signals itself, these handlers end the process. The
    service has said nothing on MQTT by then and exits with 0 (contract 1). Process 1 of a container would ignore a
    SIGTERM without a handler.
    """
    is_service = sys.argv[1:2] == ["run"]
    for number in STOPPING:
        signal.signal(number, lambda number, _: os._exit(0 if is_service else 128 + number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)  # the image blocks them until there are handlers
    with kept_out():
        from bridge.commandline.cli import app  # noqa: PLC0415 - this import takes the second

    if not is_service:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the command line ends a command at Ctrl-C
    try:
        app()
    finally:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)  # a second signal must not change the exit status


if __name__ == "__main__":
    main()
