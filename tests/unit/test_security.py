"""What `SECURITY.md` promises: the bounds that it names are those of the code, and the files are its user's only."""

import re
import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve

from bridge.bluecurrent import login, values, wire
from bridge.bluecurrent.frames import BadFrame, Token, parse_frame
from bridge.bluecurrent.tap import Tap
from bridge.chargepoint.charge_point import MOST_SOCKETS
from bridge.clock import SystemClock
from bridge.errors import Disconnected, Rejected
from bridge.fimp.message import LONGEST_NAME, MAX_BYTES
from bridge.fimp.report import LONGEST_WORDS, error_report
from bridge.fimp.topic import LONGEST_PART, MOST_LEVELS, Topic
from bridge.hub.answers import TOPIC_BYTES
from bridge.hub.router import TAKEN_LIMIT, WAITING_LIMIT
from bridge.logs import LONGEST_LINE, MOST_LINES_A_MINUTE, Log
from bridge.recording.file import MOST_BYTES, RecordingFile
from bridge.recording.lines import Received
from bridge.storage.storage import Storage

PAGE = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "bound"),
    [
        ("a message from the broker", f"{MAX_BYTES // 2**20} MiB"),
        ("a frame from the cloud", f"{login.MAX_FRAME_BYTES // 2**20} MiB"),
        ("`serv`, `type`", f"{LONGEST_NAME} characters"),
        ("a part of a topic", f"{LONGEST_PART} characters"),
        ("levels of a topic", f"{MOST_LEVELS}"),
        ("`resp_to`", f"{TOPIC_BYTES:,} bytes"),
        ("a text of the cloud", f"{values.LONGEST_TEXT:,} characters"),
        ("a text in an error report", f"{LONGEST_WORDS:,} characters"),
        ("charge points of an account", f"{values.MOST_ENTRIES:,}"),
        ("sockets of a charge point", f"{MOST_SOCKETS}"),
        ("commands in work", f"{TAKEN_LIMIT:,}; of them {WAITING_LIMIT} that act on one"),
        ("lines of the log", f"{MOST_LINES_A_MINUTE}"),
        ("a value in a line of the log", f"{LONGEST_LINE:,} characters"),
        ("a recording", f"{MOST_BYTES // 1_000_000} MB"),
    ],
)
def test_the_page_names_the_bounds_of_the_code(row: str, bound: str) -> None:
    (line,) = re.findall(rf"^\| {re.escape(row)}[^|]*\|([^|]*)\|", PAGE, re.MULTILINE)
    assert line.strip().startswith(bound)


@pytest.mark.parametrize("depth", [250, 10_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"data":', "}")])
def test_a_frame_that_is_nested_too_deeply_is_rejected(depth: int, left: str, right: str) -> None:
    with pytest.raises(BadFrame):
        parse_frame(f'{{"object": "X", "data": {left * depth}1{right * depth}}}')


def test_a_frame_that_is_too_long_is_rejected() -> None:
    with pytest.raises(BadFrame):
        parse_frame(f'{{"object": "X", "data": "{"x" * wire.MOST_CHARACTERS}"}}')


@pytest.mark.parametrize(("length", "taken"), [(3_000, True), (16_384, True), (16_385, False)])
def test_a_token_is_taken_whole_or_not_at_all(length: int, taken: bool) -> None:
    body = parse_frame(f'{{"object": "STATUS_API_TOKEN", "success": true, "token": "{"t" * length}"}}').body
    assert body == Token("t" * length if taken else None, "")


def test_stored_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "bridge.db"
    storage = Storage(path, Log("debug", "json").logger, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    storage.save_value("x", 1)
    try:
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert "bridge.db" in files
        assert set(files.values()) == {0o600}, files
    finally:
        storage.close()


async def test_a_cloud_with_an_untrusted_certificate_gets_no_token() -> None:
    """There is no setting that changes this."""
    authority, heard = trustme.CA(), []

    async def answer(socket: ServerConnection) -> None:
        heard.extend([text async for text in socket])

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    async with serve(answer, "localhost", 0, ssl=context) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(Disconnected, match=r"(?i)certificate"):
            async with login.connection(f"wss://localhost:{port}", SystemClock(), Tap()):
                raise AssertionError("connected")
    assert heard == []


def test_a_text_in_an_error_is_cut() -> None:
    report = error_report(
        Rejected("x" * 10_000),
        topic=Topic.parse("pt:j1/mt:evt/rt:ad/rn:bluecurrent/ad:1"),
        service="bluecurrent",
        src="bluecurrent",
        command_topic="",
        command=None,
    )
    assert len(report.properties["msg"]) == LONGEST_WORDS


def test_a_recording_stays_below_its_bound(tmp_path: Path) -> None:
    path, sizes = tmp_path / "frames.jsonl", []
    with RecordingFile(path) as file:
        file.write_head(b"{}\n")
        for number in range(150):
            file.write(b"x" * 100_000 + b"\n", Received({"object": "X", "data": number}))
            sizes.append(path.stat().st_size)
    assert MOST_BYTES // 2 < max(sizes) <= MOST_BYTES
