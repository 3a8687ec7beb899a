"""Of two things that give one address the second is left out, whatever the order in which they come (contract 3)."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bridge.account.address_book import GRIDS, SOCKETS, Claim
from bridge.account.fleet import Fleet
from bridge.bluecurrent.bodies import ListedChargePoint, SocketStatus
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.grid import Grid, GridTwin
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.update import Update
from tests.clock import FakeClock

EVSE_IDS = ["A", "A_1", "A_2", "A_1_2", "AB", "B", "B_2"]
GRID_IDS = ["A", "A-B", "AB", "B", "B/", "-"]
SOCKET_IDS = [(), (1,), (1, 2), (2, 3)]

accounts = st.dictionaries(st.sampled_from(EVSE_IDS), st.sampled_from(SOCKET_IDS))
Account = Mapping[str, Sequence[int]]


def listed(evse_id: str, sockets: Sequence[int]) -> ListedChargePoint:
    """An entry of CHARGE_POINTS."""
    update = Update(ChargePointSettings(socket_ids=tuple(sockets)), frozenset({"socket_ids"}))
    return ListedChargePoint(evse_id, update)


def status(evse_id: str, socket: int | None, energy: float = 1.0) -> SocketStatus:
    """An entry of a CH_STATUS."""
    values = Status(activity=Activity.CHARGING, vehicle=Vehicle.READY, energy=energy)
    return SocketStatus(evse_id, socket, Update(values, frozenset({"activity", "vehicle", "energy"})))


class Disk:
    """What the bridge keeps of the account over a restart."""

    def __init__(self) -> None:
        self.charge_points: dict[str, ChargePointSettings] = {}
        self.grids: dict[str, list[str]] = {}

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """Follow a change of a charge point."""
        if after is not None:
            self.charge_points[after.evse_id] = after.settings
        elif before is not None:
            del self.charge_points[before.evse_id]

    def grid_changed(self, before: GridTwin | None, after: GridTwin | None) -> None:
        """Follow a change of a grid connection."""
        if after is not None:
            self.grids[after.grid.id] = sorted(after.evse_ids)
        elif before is not None:
            del self.grids[before.grid.id]


class AccountOfAnyShape(RuleBasedStateMachine):
    """An account whose charge points, sockets and grid connections come and go in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = Disk()
        self.account: Account = {}
        self.start({})

    def start(self, held: Mapping[str, tuple[str, str]]) -> None:
        """Start the bridge with what is on disk."""
        self.named: Counter[Claim] = Counter()
        self.changes = 0
        self.fleet = Fleet(clock=FakeClock(), memories={}, steerings={})
        self.fleet.addresses.left_out_listeners = (self.left_out,)
        self.fleet.listeners = (self.disk.charge_point_changed, self.changed)
        self.fleet.grids.listeners = (self.disk.grid_changed, self.changed)
        on_disk = dict(sorted(self.disk.charge_points.items()))  # as the database gives them
        self.fleet.restore(on_disk, dict(sorted(self.disk.grids.items())))
        self.held: Mapping[str, tuple[str, str]] = held

    def left_out(self, claim: Claim) -> None:
        """Count the claims that are named as left out."""
        self.named[claim] += 1

    def changed(self, *_: object) -> None:
        """Count the changes that are announced."""
        self.changes += 1

    def holders(self) -> dict[str, tuple[str, str]]:
        """Who has each address; fails if two have the same."""
        pairs = [(grid.address, (GRIDS, grid.grid.id)) for grid in self.fleet.grids.all()]
        for evse_id in self.fleet.evse_ids():
            addresses = {evse_id, *(twin.address for twin in self.fleet.sockets(evse_id))}
            pairs += [(address, (SOCKETS, evse_id)) for address in sorted(addresses)]
        assert max(Counter(address for address, _ in pairs).values(), default=1) == 1, pairs
        return dict(pairs)

    @rule(account=accounts, order=st.randoms(use_true_random=False))
    def lists(self, account: dict[str, Sequence[int]], order: object) -> None:
        """CHARGE_POINTS lists these, in any order."""
        entries = [listed(evse_id, sockets) for evse_id, sockets in account.items()]
        order.shuffle(entries)  # type: ignore[attr-defined] # hypothesis gives a Random
        self.account = account
        self.fleet.listed(entries)
        before = self.changes
        self.fleet.listed(entries)
        assert self.changes == before  # a list that says the same again changes nothing
        for evse_id in account:
            assert (self.fleet.charge_point(evse_id) is None) == self.fleet.is_left_out(evse_id)

    @rule(evse_id=st.sampled_from(EVSE_IDS), sockets=st.sampled_from(SOCKET_IDS))
    def settings(self, evse_id: str, sockets: Sequence[int]) -> None:
        """CH_SETTINGS names the sockets of a charge point."""
        self.fleet.described(evse_id, listed(evse_id, sockets).update)

    @rule(evse_id=st.sampled_from(EVSE_IDS), socket=st.sampled_from([None, 1, 2]))
    def pushes(self, evse_id: str, socket: int | None) -> None:
        """CH_STATUS names a socket."""
        self.fleet.pushed(evse_id, [status(evse_id, socket)])

    @rule(evse_id=st.sampled_from(EVSE_IDS), grid_id=st.sampled_from(GRID_IDS))
    def grid_status(self, evse_id: str, grid_id: str) -> None:
        """GRID_STATUS names the grid connection of a charge point."""
        if self.fleet.charge_point(evse_id) is not None:
            self.fleet.grids.told(evse_id, Update(Grid(id=grid_id, current_1=1.0), frozenset({"id", "current_1"})))

    @rule()
    def restarts(self) -> None:
        """The bridge restarts: everything that was there is there again, at its address."""
        before = self.holders()
        self.start(before)
        assert self.holders() == before
        self.fleet.listed([listed(evse_id, sockets) for evse_id, sockets in self.account.items()])

    @invariant()
    def first_keeps_its_address(self) -> None:
        """An address changes hands only once its holder does not need it any more."""
        now = self.holders()
        needed = {*now.values()}
        for address, holder in self.held.items():
            if now.get(address) != holder and holder in needed:
                kind, id_ = holder
                point = self.fleet.charge_point(id_)
                assert kind == SOCKETS
                assert point is not None
                wanted = {Claim(SOCKETS, id_, id_).address, *(twin.address for twin in point.sockets)}
                assert address not in wanted
        self.held = now

    @invariant()
    def left_out_only_while_another_has_the_address(self) -> None:
        """What is left out is named once, and only while its address is empty or another's."""
        now = self.holders()
        for claim in (*self.fleet.addresses.left_out(SOCKETS), *self.fleet.addresses.left_out(GRIDS)):
            assert self.named[claim] >= 1
            vacant = claim.kind == SOCKETS and claim.address == claim.id  # joins with the next list
            assert not claim.address or vacant or now[claim.address] != (claim.kind, claim.id)
            if claim.kind == GRIDS and claim.address:
                assert claim.address in now
            assert re.fullmatch(r"\S+( \(\S+\))?", claim.name)


AccountOfAnyShape.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=20, deadline=None)
TestAddresses = AccountOfAnyShape.TestCase


def fleet_of(*entries: ListedChargePoint) -> Fleet:
    """A fleet after a list."""
    fleet = Fleet(clock=FakeClock(), memories={}, steerings={})
    fleet.listed(entries)
    return fleet


def addresses(fleet: Fleet, evse_id: str) -> list[str]:
    """The addresses of the sockets of a charge point."""
    return [twin.address for twin in fleet.sockets(evse_id)]


def test_a_charge_point_named_like_a_socket_is_left_out_when_it_comes_second() -> None:
    fleet = fleet_of(listed("A", (1, 2)), listed("A_2", ()))
    assert (addresses(fleet, "A"), fleet.charge_point("A_2")) == (["A_1", "A_2"], None)
    assert [claim.name for claim in fleet.addresses.left_out(SOCKETS)] == ["A_2"]
    fleet.listed([listed("A_2", ())])
    assert addresses(fleet, "A_2") == ["A_2"]
    assert fleet.addresses.left_out(SOCKETS) == []


def test_a_socket_whose_address_a_charge_point_has_is_left_out_and_the_others_are_served() -> None:
    fleet = fleet_of(listed("A_2", ()), listed("A", (1, 2)))
    assert (addresses(fleet, "A"), addresses(fleet, "A_2")) == (["A_1"], ["A_2"])
    assert [claim.name for claim in fleet.addresses.left_out(SOCKETS)] == ["A (A_2)"]
    fleet.pushed("A", [status("A", 2, energy=5.0), status("A", 1, energy=3.0)])
    (twin,) = fleet.sockets("A")
    assert twin.status is not None
    assert twin.status.energy == 3.0  # the status of the socket that is left out is not taken for another's
    fleet.listed([listed("A", (1, 2))])
    assert addresses(fleet, "A") == ["A_1", "A_2"]


def test_a_charge_point_that_gets_a_socket_whose_address_is_taken_is_not_excluded() -> None:
    fleet = fleet_of(listed("A", ()), listed("A_2", ()))
    fleet.pushed("A", [status("A", 1), status("A", 2)])
    assert (addresses(fleet, "A"), addresses(fleet, "A_2")) == (["A_1"], ["A_2"])


def test_a_charge_point_with_the_address_of_a_grid_connection_is_left_out_until_that_goes() -> None:
    fleet = fleet_of(listed("B", ()))
    fleet.grids.told("B", Update(Grid(id="A"), frozenset({"id"})))
    vacant: list[str] = []
    fleet.addresses.vacant_listeners += (vacant.append,)
    fleet.listed([listed("B", ()), listed("A", ())])
    assert fleet.evse_ids() == ["B"]
    fleet.grids.told("B", Update(Grid(id="C"), frozenset({"id"})))
    assert vacant == ["A"]
    fleet.listed([listed("B", ()), listed("A", ())])
    assert fleet.evse_ids() == ["A", "B"]
