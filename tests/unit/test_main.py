"""The entry point, before a command handles the signals itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SIGNALLED_WHILE_LOADING = """
import builtins, os, sys
import bridge.__main__
real = builtins.__import__
def load(name, *args, **given):
    if name == "bridge.commandline.cli":
        os.kill(os.getpid(), int(sys.argv.pop()))
    return real(name, *args, **given)
builtins.__import__ = load
bridge.__main__.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["run", "watch"])
def test_a_signal_while_the_command_is_loaded_ends_it_without_a_traceback(command: str, number: signal.Signals) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SIGNALLED_WHILE_LOADING, command, str(int(number))],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == (0 if command == "run" else 128 + number)
    assert ended.stderr == b""


SIGNALLED_WHILE_BLOCKED = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.kill(os.getpid(), signal.SIGTERM)
import bridge.__main__
bridge.__main__.main()
"""


def test_a_signal_that_was_blocked_until_python_has_started_ends_the_service(tmp_path: Path) -> None:
    """The image blocks signals until then, since process 1 ignores one without a handler."""
    ended = subprocess.run(
        [sys.executable, "-c", SIGNALLED_WHILE_BLOCKED, "run"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
