"""docs/reliability.md: what is promised, and the test of each promise, with what it measured.

`make reliability` runs the tests that measure, without patience, and writes the page and docs/reliability.json:
`python -m tests.documentation.reliability`. `--by-hand FILE` adds the figures of longer runs that were noted there.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.benchmarks.machine import commit, machine
from tests.integration.figures import STRICT

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "reliability.md"
FIGURES: Final = ROOT / "docs" / "reliability.json"
_BEGIN, _END = "<!-- run -->\n", "<!-- end of run -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One promise.

    Attributes:
        promise: what is promised.
        what: what the test does.
        test: the file, and the name of the test after `::`; or a command by hand and its module.
    """

    promise: str
    what: str
    test: str

    @property
    def path(self) -> Path:
        """The file of the test."""
        return ROOT / self.test.partition("::")[0]

    @property
    def name(self) -> str:
        """The name of the test function; for a module, its place."""
        return self.test.rpartition("::")[2]


MEASURED: Final = (
    Row(
        "No command is acted on twice or left without an answer. In the end every state, session, meter and limit is "
        "right, and no energy is lost. Memory stays within 10 %, and no task or file is left",
        "Draws faults from a seed on both links of a bridge process: cut, stalled, slow, half-closed, corrupted, refused, "
        "rubbish, time that passes, a clock that is set, a full disk. Commands and pushes go on meanwhile. After every 25 "
        "faults everything is compared with the charge points",
        "tests/integration/test_random_faults.py::test_the_invariants_hold_under_random_faults",
    ),
    Row(
        "The same, in long runs",
        "`make faults`, with up to 1,000 faults in a run",
        "tests/integration/faults/__main__.py",
    ),
    Row(
        "After a broker outage states and sessions are right within 3 s, and everything within 10 s",
        "The broker is away for ten minutes, in which every charge point charges and a third of the cars leave",
        "tests/integration/test_broker_outage.py::test_a_broker_away_for_ten_minutes",
    ),
    Row(
        "While the cloud is away past the grace, things are `unknown` and DOWN, once. 2 s after HELLO they are right "
        "again, with no more requests than a start",
        "The cloud refuses connections for a quarter of an hour; a car comes and another one leaves meanwhile",
        "tests/integration/test_cloud_outage.py::test_a_cloud_away_past_the_grace",
    ),
    Row(
        "After `kill -9` at any moment of a session its energy, its state and its limit are right",
        "Kills the process at moments drawn from a seed, commands in flight included, and compares after each start",
        "tests/integration/test_killed.py::test_killed_at_random_moments_of_a_session",
    ),
    Row(
        "Nothing grows. A day has fewer than 200 log lines at `info`",
        "Three days in fast motion with a car a day, compared with the day before them",
        "tests/integration/test_three_days.py::test_three_days_leave_nothing_behind",
    ),
    Row(
        "Every command is answered, whatever the load",
        "20 charge points push 2,000 times as fast as the bridge reads, while 100 commands are sent at once",
        "tests/integration/test_full_load.py::test_commands_are_answered_under_full_load",
    ),
    Row(
        "No input from either side stops anything",
        "A minute of changed frames and messages of the fuzzers' corpus from both sides at once; memory stays flat",
        "tests/integration/test_hostile_input.py::test_hostile_input_from_both_sides",
    ),
)
"""Promises with figures from a run."""

PROVEN: Final = (
    Row(
        "TLS: the right authority passes, at both ends",
        "A private authority, and one of the system",
        "tests/integration/test_certificates.py::test_the_right_authority_passes_at_both_ends",
    ),
    Row(
        "TLS: a wrong authority, a wrong host and an expired certificate are each one clear line",
        "The broker with each of them",
        "tests/integration/test_certificates.py::test_the_broker_with_another_certificate_is_one_clear_line",
    ),
    Row(
        "The cloud's certificate is always verified, before anything is sent",
        "The cloud with each of them",
        "tests/integration/test_certificates.py::test_a_cloud_with_another_certificate_is_one_clear_line",
    ),
    Row(
        "One session is one row, however short it is and whatever hides it",
        "Lives of a socket drawn at random, with the account's transactions read at any moment",
        "tests/unit/chargepoint/test_one_session_one_row.py::test_every_session_is_one_row",
    ),
    Row(
        "The late verdict on a command changes nothing that is told of a later session",
        "Lives of a socket drawn at random, with each command sent and answered at any moment, compared with the same "
        "life without it",
        "tests/unit/chargepoint/test_late_verdicts.py::test_no_verdict_changes_what_is_told_of_a_later_session",
    ),
    Row(
        "A counter never falls below what the hub was told, whatever happens while the bridge is not running",
        "Kills the bridge right after a report, and lets another session take the place of that one",
        "tests/conversation/test_after_a_restart.py::test_a_counter_that_the_hub_was_told_never_falls",
    ),
    Row(
        "No energy is lost or counted twice over kills and losses of the link",
        "Lives of a charge point drawn at random, with a real file that is kept as it is at a kill",
        "tests/unit/account/test_sessions_over_restarts.py::test_no_energy_is_lost_or_counted_twice",
    ),
    Row(
        "A year loses no energy",
        "A year of two charge points, 200 restarts, both clock changes",
        "tests/integration/test_year.py::test_energy_and_sessions_are_right_after_a_year",
    ),
    Row(
        "The same command is acted on once, restarts included",
        "Sends a command twice",
        "tests/conversation/test_commands.py::test_the_same_command_twice_is_acted_on_once",
    ),
    Row(
        "A retained command is refused",
        "Retains a start",
        "tests/conversation/test_commands.py::test_a_retained_command_is_refused",
    ),
    Row(
        "A clock that is set stretches no wait",
        "Sets the wall clock in the middle of waits",
        "tests/conversation/test_clock.py::test_a_clock_that_is_set_changes_no_wait",
    ),
    Row(
        "A refused token is not tried again until it changes",
        "A day with a refused token",
        "tests/integration/test_reconnects.py::test_a_refused_token_is_not_tried_again",
    ),
    Row(
        "A request limit is waited for until 00:00:30 in Amsterdam",
        "Reaches the limit in the evening",
        "tests/integration/test_reconnects.py::test_the_request_limit_waits_for_midnight_in_amsterdam",
    ),
    Row(
        "Other failures of the link back off to 5 min",
        "Ten minutes of refused handshakes",
        "tests/integration/test_reconnects.py::test_the_back_off_grows_when_handshakes_are_refused",
    ),
    Row(
        "A message that the broker does not take is dropped and named, and nothing else waits",
        "A broker that closes the connection at one message",
        "tests/unit/hub/test_dropped_messages.py::test_a_message_that_closes_the_connection_is_dropped_and_logged",
    ),
    Row(
        "The service ends within 5 s whatever either link does",
        "Ends it with either link stalled",
        "tests/integration/test_cli.py::test_the_service_stops_within_five_seconds_whatever_either_link_does",
    ),
    Row(
        "A full disk stops no report",
        "Fills the disk in a session",
        "tests/integration/test_sessions.py::test_a_full_disk_stops_no_report",
    ),
    Row(
        "A disk that does not answer stops no report and no answer, and nothing is lost",
        "Lets the disk take no write, and a checkpoint not end, during a whole session",
        "tests/integration/test_slow_disk.py",
    ),
    Row(
        "No secret is shown",
        "Looks for every secret in the page, the state, the metrics and the dump",
        "tests/integration/test_http.py::test_no_secret_is_shown_anywhere",
    ),
    Row(
        "No report that is asked for costs a request",
        "Asks for every report",
        "tests/integration/test_request_count.py::test_no_requested_report_costs_a_request",
    ),
    Row(
        "The parsers survive whatever comes in",
        "The fuzzers' corpus; `make fuzz` for longer, [figures](../SECURITY.md)",
        "tests/fuzz/test_corpus.py",
    ),
)
"""Promises that hold or do not, without a figure."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the tests that measure.

    Attributes:
        date: when, ISO.
        commit: what was tested.
        machine: where.
        figures: test → what it measured.
    """

    date: str
    commit: str
    machine: str
    figures: dict[str, list[str]]

    @classmethod
    def read(cls) -> "Run":
        """The run that is kept."""
        kept = json.loads(FIGURES.read_text(encoding="utf-8"))
        return cls(kept["date"], kept["commit"], kept["machine"], kept["figures"])

    def write(self) -> None:
        """Keep it."""
        kept = {"date": self.date, "commit": self.commit, "machine": self.machine, "figures": self.figures}
        FIGURES.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def filled(page: str, run: Run) -> str:
    """The page with the tables of this run."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{_tables(run)}{_END}{after}"


def _tables(run: Run) -> str:
    lines = [
        f"{run.date[:10]}, commit {run.commit}. {run.machine}.",
        "",
        "| what is promised | what the test does | in this run | the test |",
        "|---|---|---|---|",
        *(f"| {row.promise} | {row.what} | {_figures(run, row)} | {_link(row)} |" for row in MEASURED),
        "",
        "These hold or do not:",
        "",
        "| what is promised | what the test does | the test |",
        "|---|---|---|",
        *(f"| {row.promise} | {row.what} | {_link(row)} |" for row in PROVEN),
    ]
    return "".join(f"{line}\n" for line in lines)


def _figures(run: Run, row: Row) -> str:
    return "<br>".join(run.figures.get(row.name, []))


def _link(row: Row) -> str:
    return f"[`{row.name}`](../{row.path.relative_to(ROOT)})"


# --- measuring ---


def _described(load: float) -> str:
    about = machine()
    parts = (f"{about.get('processor', 'unknown processor')}, {about['cores']} cores", about.get("memory", ""))
    where = ", ".join(part for part in (*parts, about["system"]) if part)
    return f"Machine: {where}, load {load:.1f} when the run began; Python {about['python']}"


def measure() -> tuple[list[str], int]:
    """Run the tests that measure, one after the other; returns the lines that they noted, and the exit code."""
    tests = [row.test for row in MEASURED if "::" in row.test]
    with tempfile.TemporaryDirectory() as folder:
        noted = Path(folder) / "figures"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=1800", *tests]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, STRICT: str(noted)}, check=False)
        return noted.read_text(encoding="utf-8").splitlines() if noted.exists() else [], done.returncode


def gathered(lines: Iterable[str]) -> dict[str, list[str]]:
    """The figures by test, from the lines that the tests have noted."""
    figures: dict[str, list[str]] = {}
    for line in lines:
        one = json.loads(line)
        figures.setdefault(one["test"], []).append(one["figure"])
    return figures


def measured_by_hand(run: Run) -> dict[str, list[str]]:
    """The figures of a run that its tests did not measure: those of longer runs, which stay until there are newer ones."""
    names = [row.name for row in MEASURED if "::" not in row.test]
    return {name: run.figures[name] for name in names if name in run.figures}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the page; gives the exit code of the tests."""
    parser = argparse.ArgumentParser(prog="tests.documentation.reliability")
    parser.add_argument("--by-hand", type=Path, help="a file with the figures of longer runs")
    given = parser.parse_args(arguments)
    load, what, when = os.getloadavg()[0], commit(), datetime.now().astimezone()
    lines, code = measure()
    if given.by_hand is not None:
        lines += given.by_hand.read_text(encoding="utf-8").splitlines()
    figures = measured_by_hand(Run.read()) | gathered(lines)
    run = Run(when.isoformat(timespec="seconds"), what, _described(load), figures)
    run.write()
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), run), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
