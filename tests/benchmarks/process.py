"""A peer as its own process, with its CPU time and memory as the kernel counts them."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_CPUCLOCK_SCHED = 2
LEAVE_S = 15.0


class Peer:
    """A running process.

    Args:
        process: it.
        log: the file that has what it says.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        # The kernel's clock of a process (clock_getcpuclockid): /proc/PID/stat in nanoseconds, not in ticks of 10 ms.
        self._clock = (~process.pid << 3) | _CPUCLOCK_SCHED

    def cpu_s(self) -> float:
        """Processor time since its start, all threads, user and system."""
        self.check()
        return time.clock_gettime(self._clock)

    def memory_mb(self) -> float:
        """Resident memory, MB."""
        self.check()
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1000 * 1.024
        raise RuntimeError("the kernel does not say VmRSS")

    def check(self) -> None:
        """Raises: RuntimeError: it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"it ended with {self._process.returncode}: {self.last_words}")

    @property
    def last_words(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


@contextlib.contextmanager
def started(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Peer]:
    """Run a command in a folder until the block ends.

    Args:
        command: program and arguments.
        folder: its working directory; its output goes to `log.txt` there.
        environment: variables beside those of this process; the bridge's own settings are left out.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**inherited, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield Peer(process, log)
    finally:
        process.terminate()
        try:
            process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
