"""When a report is due."""

from datetime import UTC, datetime, timedelta

from bridge.fimp.message import aggregate
from bridge.fimp.report import Report
from bridge.fimp.topic import Topic
from bridge.hub.reporting import Reporter

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOPIC = Topic("evt", "dev", "b", "1", "chargepoint", "A")


def report(value: float, type_: str = "evt.state.report", **properties: str) -> Report:
    """A report."""
    return Report(TOPIC, "chargepoint", type_, "float", value, properties)


def say(reporter: Reporter, what: Report, now: datetime = NOW) -> bool:
    """Whether it was said."""
    due = reporter.due([what], now)
    for one in due:
        reporter.said(one, now)
    return bool(due)


def test_on_change() -> None:
    reporter = Reporter()
    assert say(reporter, report(1))
    assert not say(reporter, report(1), NOW + timedelta(days=1))
    assert say(reporter, report(2))
    assert say(reporter, report(2, mode="slow"))
    assert say(reporter, report(1))


def test_sessions_at_least_every_half_hour() -> None:
    reporter, what = Reporter(), report(1, "evt.current_session.report")
    assert say(reporter, what)
    assert reporter.next_due() == NOW + timedelta(minutes=30)
    assert not say(reporter, what, NOW + timedelta(minutes=29))
    assert say(reporter, what, NOW + timedelta(minutes=30))


def test_everything_again() -> None:
    reporter = Reporter()
    say(reporter, report(1))
    reporter.forget()
    assert say(reporter, report(1))
    reporter.forget_thing(TOPIC.service_address)
    assert say(reporter, report(1))
    reporter.forget_thing("another")
    assert not say(reporter, report(1))
    assert reporter.next_due() is None


def test_nothing_is_due_of_a_thing_that_has_gone() -> None:
    reporter = Reporter()
    for address in ("A", "A_2", "B"):
        topic = Topic("evt", "dev", "b", "1", "chargepoint", address)
        say(reporter, Report(topic, "chargepoint", "evt.current_session.report", "float", 1.0))
    reporter.forget_thing("B")
    assert reporter.next_due() == NOW + timedelta(minutes=30)
    reporter.forget_thing("A")  # with its sockets
    assert reporter.next_due() is None


def test_sub_values_are_told_apart() -> None:
    reporter = Reporter()
    for unit in ("W", "kWh"):
        assert say(reporter, Report(TOPIC, "meter_elec", "evt.meter.report", "float", 1, {}, aggregate(unit)))
