"""Blocking a charge point, and making it available again."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from bridge.account.availability import Availability
from bridge.account.fleet import Fleet
from bridge.bluecurrent.app_api import AppApi
from bridge.bluecurrent.frames import ListedChargePoint
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.update import Update
from bridge.errors import BridgeError, Disconnected, Forbidden, Rejected, UnknownRequest, VerdictTimeout
from tests.clock import FakeClock

EVSE = "BCU1"


@dataclass
class Cloud:
    """The websocket and the REST API of a cloud, with scripted answers."""

    error: BridgeError | None = None
    app_error: BridgeError | None = None
    down: bool = False
    asked: list[str] = field(default_factory=list)
    asked_of_app: list[tuple[int | None, bool]] = field(default_factory=list)

    def check(self) -> None:
        """See `Link`."""
        if self.down:
            raise Disconnected("There is no connection.")

    async def ask(self, request: Request[None]) -> None:
        """See `Link`."""
        self.asked.append(request.command)
        if self.error is not None:
            raise self.error

    async def set_operative(self, evse_id: str, socket_id: int | None, *, operative: bool) -> None:
        """See `AppApi`."""
        assert evse_id == EVSE
        self.asked_of_app.append((socket_id, operative))
        if self.app_error is not None:
            raise self.app_error


def availability(cloud: Cloud, *socket_ids: int) -> tuple[Availability, Fleet]:
    """Of a charge point with these sockets."""
    clock = FakeClock()
    fleet = Fleet(clock=clock, memories={}, steerings={})
    settings = ChargePointSettings(socket_ids=socket_ids)
    fleet.listed([ListedChargePoint(EVSE, Update(settings, frozenset({"socket_ids"})))])
    link, app_api = cast("Link", cloud), cast("AppApi", cloud)
    return Availability(link=link, app_api=app_api, fleet=fleet, clock=clock), fleet


def ending(fleet: Fleet) -> bool:
    """Whether a session that ends now counts as ended by the bridge."""
    return any(twin.memory.ending is not None for twin in fleet.sockets(EVSE))


@pytest.mark.parametrize(("available", "command"), [(True, "SET_OPERATIVE"), (False, "SET_INOPERATIVE")])
async def test_the_link_is_asked_first(available: bool, command: str) -> None:
    cloud = Cloud()
    blocking, fleet = availability(cloud)
    await blocking.set(EVSE, available=available)
    assert (cloud.asked, cloud.asked_of_app) == ([command], [])
    assert ending(fleet) is not available  # a block ends the session


@pytest.mark.parametrize("error", [UnknownRequest("no such command"), Forbidden("forbidden")])
@pytest.mark.parametrize(("socket_ids", "expected"), [((), [None]), ((3,), [3]), ((1, 2), [1, 2])])
async def test_the_app_api_is_asked_where_the_link_cannot_do_it(
    error: BridgeError, socket_ids: tuple[int, ...], expected: list[int | None]
) -> None:
    cloud = Cloud(error=error)
    blocking, fleet = availability(cloud, *socket_ids)
    await blocking.set(EVSE, available=False)
    assert cloud.asked_of_app == [(number, False) for number in expected]
    assert ending(fleet)


@pytest.mark.parametrize("error", [Rejected("REJECTED"), VerdictTimeout("no answer"), Disconnected("down")])
async def test_another_refusal_of_the_link_is_returned(error: BridgeError) -> None:
    cloud = Cloud(error=error)
    blocking, fleet = availability(cloud)
    with pytest.raises(type(error)):
        await blocking.set(EVSE, available=False)
    assert cloud.asked_of_app == []
    assert ending(fleet) is not isinstance(error, Rejected)


async def test_a_block_that_both_sides_forbid_is_refused_and_ends_no_session() -> None:
    cloud = Cloud(error=Forbidden("forbidden"), app_error=Forbidden("not yours"))
    blocking, fleet = availability(cloud)
    with pytest.raises(Forbidden, match="not yours"):
        await blocking.set(EVSE, available=False)
    assert not ending(fleet)


async def test_nothing_is_asked_while_the_link_is_down() -> None:
    cloud = Cloud(down=True)
    blocking, fleet = availability(cloud)
    with pytest.raises(Disconnected):
        await blocking.set(EVSE, available=False)
    assert (cloud.asked, ending(fleet)) == ([], False)
