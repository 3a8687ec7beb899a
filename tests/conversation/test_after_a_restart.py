"""What the hub hears after a restart: everything that is known is reported again, changed or not (contract 3)."""

from datetime import timedelta

import pytest

from bridge.simulator.car import Car
from bridge.storage import recorder
from tests.conversation.cars import charge
from tests.harness import CABLE, SOCKET, House

Reported = dict[tuple[str, str, str], object]


def reported(house: House, address: str, since: int) -> Reported:
    """The last value of each report of a charge point, by service, interface and sub-value."""
    values: Reported = {}
    for heard in house.hub.heard[since:]:
        if heard.address == address:
            message = heard.message
            sub_value = message.storage.sub_value if message.storage is not None else None
            values[message.service, message.type, sub_value or ""] = message.value
    return values


async def test_everything_is_reported_again(house: House) -> None:
    before = {address: reported(house, address, 0) for address in (SOCKET, CABLE)}
    assert ("parameters", "evt.param.report", "free_charging") in before[SOCKET]
    since = house.mark
    await house.restart()
    assert {address: reported(house, address, since) for address in (SOCKET, CABLE)} == before


async def test_settings_that_changed_meanwhile_are_reported_where_the_status_comes_late(house: House) -> None:
    await house.stop()
    house[SOCKET].plug_and_charge = True
    house.cloud.faults.silent.add("GET_CH_STATUS")
    since = house.mark
    await house.start(wait=False)
    await house.hub.until(lambda: house.cloud.requests["GET_CH_SETTINGS"] > len(house.cloud.account.charge_points))
    await house.hub.until(lambda: all(twin.settings.plug_and_charge for twin in house.running.fleet.sockets(SOCKET)))
    house.cloud.faults.silent.clear()
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, since=since)
    await house.hub.until(
        lambda: (
            reported(house, SOCKET, since).get(("parameters", "evt.param.report", "free_charging"))
            == {"parameter_id": "free_charging", "value_type": "bool", "value": True}
        )
    )


async def test_a_counter_that_the_hub_was_told_never_falls(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is killed right after the report, and another session takes the place of this one meanwhile."""
    monkeypatch.setattr(recorder, "ENERGY_EVERY", timedelta(0))  # the pushes of this test are that close
    await charge(house)
    for seconds in (600, 900):
        since = house.mark
        house[SOCKET].step(seconds)
        await house.push(SOCKET)
        energy = round(house[SOCKET].transactions[0].kwh, 3)
        await house.hub.expect("evt.meter.report", SOCKET, since=since, value=energy)
        await house.hub.expect("evt.current_session.report", SOCKET, since=since, value=energy)
    await house.crash()
    house[SOCKET].unplug()
    house[SOCKET].plug(Car())
    house[SOCKET].start("046C8CCA8C1D90")
    house[SOCKET].step(60)
    since = house.mark
    await house.start()
    more = round(house[SOCKET].transactions[1].kwh, 3)
    await house.hub.expect("evt.current_session.report", SOCKET, since=since, value=more)
    await house.hub.expect("evt.meter.report", SOCKET, since=since, value=round(energy + more, 3))
