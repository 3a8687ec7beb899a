"""When the connection is renewed for a new will."""

import asyncio

from bridge.hub.line import Renewal
from tests.unit.hub.reporter_rig import ReporterRig


async def test_a_renewal_does_not_wait_once_the_account_is_read() -> None:
    rig = ReporterRig()
    rig.connect()
    rig.publish_all()
    rig.things.append("A")
    rig.set("A", "evt.x", 1)
    assert rig.publish_all() == []
    rig.reporter.looked()
    work = asyncio.create_task(rig.reporter.wait_for_work())
    await asyncio.sleep(0)
    rig.reporter.looked()
    assert isinstance(rig.reporter.take(), Renewal)
    work.cancel()


async def test_a_renewal_that_is_due_at_once_is_not_due_a_second_time() -> None:
    rig = ReporterRig()
    rig.connect()
    rig.things.append("A")
    rig.set("A", "evt.x", 1)
    rig.publish_all()
    rig.reporter.looked()
    rig.reporter.lost()
    rig.connect(renewed=True)
    assert [type_ for _, type_, _ in rig.publish_all()] == ["evt.thing.inclusion_report", "evt.x"]
    await asyncio.sleep(0.15)  # longer than a renewal gathers
    assert rig.reporter.take() is None


async def test_without_new_things_reading_the_account_renews_nothing() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.publish_all()
    rig.reporter.looked()
    assert rig.publish_all() == []
    assert rig.reporter.is_settled
