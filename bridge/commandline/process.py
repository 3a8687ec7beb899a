"""The process of a command: its output, its signals, its end and its exit codes."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from typing import Final, NoReturn

import typer

from bridge.commandline.plain_text import one_line

FAILED: Final = 1
UNREADABLE_SETTINGS: Final = 2


def complain(text: str) -> None:
    """Print one line to stderr."""
    typer.echo(one_line(text), err=True)


def say_json(content: object) -> None:
    """Print JSON for a program."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def run_to_its_end(work: Coroutine[object, None, int]) -> NoReturn:
    """Run `work`, then exit without waiting for its threads: one that waits for a name server can block for long.

    Args:
        work: returns the exit status.
    """
    before = threading.enumerate()
    with asyncio.Runner() as runner:
        code = runner.run(work)
        if any(not thread.daemon for thread in threading.enumerate() if thread not in before):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    raise typer.Exit(code)


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and Ctrl-C set from now on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
