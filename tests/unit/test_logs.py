"""The log: levels, formats, secrets, once."""

import io
import json
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from bridge.log_level import Level
from bridge.logs import LONGEST_LINE, MOST_LINES_A_MINUTE, Log, Once


def lines(log: Log, stream: io.StringIO) -> list[dict[str, Any]]:
    """The log so far."""
    del log
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_is_one_json_object() -> None:
    stream = io.StringIO()
    log = Log("info", "auto", stream)
    log.logger.info("hello", evse_id="B", number=3, nothing=None)
    log.logger.debug("not this")
    (line,) = lines(log, stream)
    assert {name: line[name] for name in ("event", "level", "evse_id", "number", "nothing")} == {
        "event": "hello", "level": "info", "evse_id": "B", "number": 3, "nothing": None,
    }  # fmt: skip
    assert "timestamp" in line


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("trace", ["d", "i", "w", "e"]),
        ("debug", ["d", "i", "w", "e"]),
        ("info", ["i", "w", "e"]),
        ("warning", ["w", "e"]),
        ("error", ["e"]),
        ("fatal", []),
    ],
)
def test_a_level_selects_the_lines(level: Level, seen: list[str]) -> None:
    stream = io.StringIO()
    log = Log(level, "json", stream)
    log.logger.debug("d")
    log.logger.info("i")
    log.logger.warning("w")
    log.logger.error("e")
    assert [line["event"] for line in lines(log, stream)] == seen


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colours_unless_it_has_none_or_the_user_wants_none(
    environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TERM": "xterm", "NO_COLOR": "", **environment}.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    Log("info", "auto", stream).logger.info("hello")
    assert "hello" in stream.getvalue()
    assert ("\x1b[" in stream.getvalue()) is coloured


def test_the_level_can_be_changed_while_it_runs() -> None:
    stream = io.StringIO()
    log = Log("error", "json", stream)
    log.logger.info("one")
    log.level = "info"
    log.logger.info("two")
    assert [line["event"] for line in lines(log, stream)] == ["two"]


def test_no_secret_is_logged() -> None:
    stream = io.StringIO()
    log = Log("debug", "json", stream)
    log.secrets.add(SecretStr("hunter22"))
    log.secrets.add("tok-123456")
    log.secrets.add(None)
    log.secrets.add("abc")  # too short to be masked
    log.logger.warning(
        "the token is tok-123456",
        reason="password hunter22 refused",
        nested={"a": ["x hunter22 y"], "api_token": "unheard-of"},
        password="anything",
        Authorization="Token unheard-of",
        error=ValueError("hunter22"),
        abc="abc",
    )
    try:
        int("hunter22")
    except ValueError:
        log.logger.exception("failed with hunter22")
    text = stream.getvalue()
    for secret in ("hunter22", "tok-123456", "unheard-of", "anything"):
        assert secret not in text
        assert not any(secret in line for line in log.errors.lines)
    assert "abc" in text


def test_lines_on_a_terminal_are_readable_text() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    Log("info", "auto", stream).logger.info("hello", evse_id="B")
    assert "hello" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_the_last_errors_are_kept() -> None:
    log = Log("info", "json", io.StringIO())
    for index in range(30):
        log.logger.warning("problem", number=index)
    log.logger.info("no problem")
    assert len(log.errors.lines) == 20
    assert log.errors.lines[-1].endswith("problem number=29")


def test_once_is_true_for_the_first_time_only() -> None:
    once = Once(size=2)
    assert once.first("a")
    assert not once.first("a")
    assert once.first(("b", 1))
    assert once.first("c")  # "a" is forgotten
    assert once.first("a")
    once.forget("c")
    assert once.first("c")
    once.forget("b")
    assert once.first(("b", 1))


def test_the_lines_of_a_minute_are_bounded_and_those_left_out_are_counted() -> None:
    stream, seconds = io.StringIO(), [0.0]
    log = Log("info", "json", stream, monotonic=lambda: seconds[0])
    for number in range(MOST_LINES_A_MINUTE + 50):
        log.logger.error("flood", number=number)
    log.logger.debug("below the level, and so not counted")
    assert len(lines(log, stream)) == MOST_LINES_A_MINUTE
    seconds[0] = 61.0
    log.logger.info("later")
    log.logger.info("and later")
    *_, later, last = lines(log, stream)
    assert (later["event"], later["lines_left_out"]) == ("later", 50)
    assert "lines_left_out" not in last


def test_at_debug_no_line_is_left_out() -> None:
    stream = io.StringIO()
    log = Log("debug", "json", stream, monotonic=lambda: 0.0)
    for _ in range(MOST_LINES_A_MINUTE + 1):
        log.logger.info("flood")
    assert len(lines(log, stream)) == MOST_LINES_A_MINUTE + 1


@pytest.mark.parametrize("format_", ["json", "console"])
def test_text_from_outside_stays_on_its_line_without_control_characters(format_: Literal["json", "console"]) -> None:
    stream = io.StringIO()
    Log("info", format_, stream).logger.info("hello", name="a\nb\r\x1b[2J\x85\u2028\u202ec\ud83d", more="x" * 100_000)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert not set("\r\x1b\x85\u2028\u202e\ud83d") & set(text)
    assert LONGEST_LINE < len(text) < LONGEST_LINE + 500


def test_a_secret_is_masked_before_the_line_is_cut() -> None:
    stream = io.StringIO()
    log = Log("info", "json", stream)
    log.secrets.add("very-secret-token")
    log.logger.info("hello", text="x" * (LONGEST_LINE - 8) + "very-secret-token")
    assert "very-sec" not in stream.getvalue()
