"""Releasing a cable: which side of the cloud is asked, and what a refusal teaches."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from bridge.account.capabilities import Capabilities
from bridge.account.fleet import Fleet
from bridge.account.unlocks import Unlocks
from bridge.bluecurrent.app_api import AppApi
from bridge.bluecurrent.frames import ListedChargePoint
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.update import Update
from bridge.errors import BridgeError, Disconnected, Forbidden, NotSupported, Rejected, UnknownRequest
from bridge.storage.storage import Storage
from tests.clock import FakeClock

EVSE = "BCU1"


@dataclass
class Cloud:
    """The websocket and the REST API of a cloud, which note what they are asked."""

    error: BridgeError | None = None
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def check(self) -> None:
        """See `Link`."""
        if self.down:
            raise Disconnected("There is no connection.")

    async def ask(self, request: Request[None]) -> None:
        """See `Link`."""
        self._note(f"link {request.command} {request.parameters.get('socket_id')}")

    async def unlock(self, evse_id: str, socket_id: int | None) -> None:
        """See `AppApi`."""
        self._note(f"app {evse_id} {socket_id}")

    def _note(self, asked: str) -> None:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error


class Place:
    """A charge point with these settings, and a cloud."""

    def __init__(
        self, *, type_: str = "UMOVE", is_cable: bool | None = False, socket_ids: tuple[int, ...] = ()
    ) -> None:
        self.cloud, self.capabilities, clock = Cloud(), Capabilities(Storage(":memory:")), FakeClock()
        self.fleet = Fleet(clock=clock, memories={}, steerings={})
        settings = ChargePointSettings(chargepoint_type=type_, is_cable=is_cable, socket_ids=socket_ids)
        names = frozenset({"chargepoint_type", "is_cable", "socket_ids"})
        self.fleet.listed([ListedChargePoint(EVSE, Update(settings, names))])
        self.unlocks = Unlocks(
            link=cast("Link", self.cloud),
            app_api=cast("AppApi", self.cloud),
            capabilities=self.capabilities,
            fleet=self.fleet,
            clock=clock,
        )

    @property
    def possible(self) -> bool:
        """Whether the last socket can be unlocked."""
        return self.unlocks.possible(self.fleet.twins()[-1])

    async def unlock(self) -> None:
        """Unlock the last socket."""
        await self.unlocks.unlock(self.fleet.twins()[-1])


@pytest.mark.parametrize(
    ("type_", "socket_ids", "asked"),
    [
        ("UMOVE", (), "link UNLOCK_CONNECTOR None"),
        ("umove", (), "link UNLOCK_CONNECTOR None"),
        ("", (), "link UNLOCK_CONNECTOR None"),
        ("UMOVE", (1, 2), "link UNLOCK_CONNECTOR 2"),
        ("HIDDEN", (), f"app {EVSE} None"),
        ("HIDDEN", (7,), f"app {EVSE} 7"),
        ("HIDDEN", (1, 2), f"app {EVSE} 2"),
    ],
)
async def test_the_link_unlocks_portable_charge_points_and_the_app_the_others(
    type_: str, socket_ids: tuple[int, ...], asked: str
) -> None:
    place = Place(type_=type_, socket_ids=socket_ids)
    await place.unlock()
    assert place.cloud.asked == [asked]


@pytest.mark.parametrize(
    ("type_", "is_cable", "socket_ids", "possible"),
    [
        ("UMOVE", False, (), True),
        ("UMOVE", None, (), True),
        ("UMOVE", True, (), False),
        ("HIDDEN", True, (), False),
        ("HIDDEN", False, (1, 2), True),
        ("UMOVE", False, (1, 2), False),
    ],
)
def test_a_socket_can_be_unlocked_if_its_cable_is_not_fixed_and_a_request_can_name_it(
    type_: str, is_cable: bool | None, socket_ids: tuple[int, ...], possible: bool
) -> None:
    place = Place(type_=type_, is_cable=is_cable, socket_ids=socket_ids)
    assert place.possible is possible
    place.capabilities.learn_takes_socket_id()
    assert place.possible is not bool(is_cable)


@pytest.mark.parametrize("error", [UnknownRequest("Unknown command."), Forbidden("forbidden")])
@pytest.mark.parametrize("type_", ["UMOVE", "HIDDEN"])
async def test_a_refusal_for_good_is_remembered(error: BridgeError, type_: str) -> None:
    place = Place(type_=type_)
    place.cloud.error = error
    with pytest.raises(NotSupported):
        await place.unlock()
    assert not place.possible


@pytest.mark.parametrize("error", [Rejected("no"), Disconnected("gone")])
async def test_another_failure_teaches_nothing(error: BridgeError) -> None:
    place = Place()
    place.cloud.error = error
    with pytest.raises(type(error)):
        await place.unlock()
    assert place.possible


async def test_nothing_is_asked_while_the_link_is_down() -> None:
    place = Place(type_="HIDDEN")
    place.cloud.down = True
    with pytest.raises(Disconnected):
        await place.unlock()
    assert place.cloud.asked == []
