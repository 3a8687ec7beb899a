"""What is so at the simulated charge points, and what of it the hub was told otherwise."""

from collections.abc import Iterable, Iterator, Sequence

from bridge.chargepoint.records import SessionRecord
from bridge.simulator.account import SimulatedAccount
from bridge.simulator.charge_point import SimulatedChargePoint
from tests.integration.faults.ear import Ear


def states(point: SimulatedChargePoint) -> set[str]:
    """The states (contract 4, standard set) that a charge point may be told to be in.

    A car without a session is `finished` after one of this visit that was not ended by the bridge, and that the
    bridge may have missed; the table itself is tested elsewhere.
    """
    socket = point.sockets[0]
    if socket.fault is not None:
        return {"unknown"} if socket.fault == "offline" else {"error"}
    if socket.blocked:
        return {"unavailable"}
    if socket.session is None:
        return {"disconnected"} if socket.vehicle == "A" else {"ready_to_charge", "finished"}
    if socket.vehicle in "CD":
        return {"charging"}
    return {"finished"} if socket.session.kwh > 0.001 else {"requesting", "finished"}


def differences(ear: Ear, account: SimulatedAccount) -> list[str]:
    """Where the last word of the bridge is not what is so."""
    return [line for point in account.charge_points.values() for line in differences_of(ear, account, point)]


def differences_of(ear: Ear, account: SimulatedAccount, point: SimulatedChargePoint) -> Iterator[str]:
    """Where the last word of the bridge on one charge point is not what is so."""
    evse_id, socket = point.evse_id, point.sockets[0]
    told = ear.value("evt.state.report", evse_id)
    if told not in states(point):
        yield f"{evse_id}: state {told}, not {states(point)}"
    node = ear.value("evt.network.node_report", evse_id)
    status = "DOWN" if socket.fault == "offline" else "UP"
    if isinstance(node, dict) and node.get("status") != status:
        yield f"{evse_id}: node {node.get('status')}, not {status}"
    yield from session_differences(ear, point)
    locked = ear.value("evt.cable_lock.report", evse_id)
    if socket.fault is None and locked is not (socket.session is not None):
        yield f"{evse_id}: cable lock {locked} with session {socket.session}"
    power = ear.value("evt.meter.report", evse_id, "W")
    phases = socket.car.phases if socket.car is not None else 0
    watts = round(socket.current_a, 1) * phases * 231.0
    if socket.fault is None and (power is None or abs(power - watts) > 1):
        yield f"{evse_id}: {power} W, not {watts:.0f}"
    if ear.value("evt.param.report", evse_id, "free_charging") != {
        "parameter_id": "free_charging",
        "value_type": "bool",
        "value": point.plug_and_charge,
    }:
        yield f"{evse_id}: free_charging {ear.value('evt.param.report', evse_id, 'free_charging')}"
    yield from _limit(ear, account, point)


def session_differences(ear: Ear, point: SimulatedChargePoint) -> Iterator[str]:
    """Where the reported energy of the latest session is not that of the charge point."""
    socket, energy = point.sockets[0], ear.value("evt.current_session.report", point.evse_id)
    transaction = socket.transaction
    # A session that began out of sight is not told apart from the last one before the error is over.
    if socket.fault is not None or transaction is None or transaction.kwh <= 0:
        return
    if energy != _close(transaction.kwh, energy):
        yield f"{point.evse_id}: session {energy} kWh, not {transaction.kwh:.3f}"


def _limit(ear: Ear, account: SimulatedAccount, point: SimulatedChargePoint) -> Iterator[str]:
    """The standing limit is what is reported; a session's limit may be lower, and only while a session may be on.

    `error` does not end a session (contract 4), so one that ended behind it is still taken to be on.
    """
    evse_id = point.evse_id
    here = [one.override.current_a for one in account.schedules.values() if evse_id in one.charge_points]
    limit = min([point.max_usage, *here])
    standing = ear.value("evt.max_current.report", evse_id)
    over = point.sockets[0].session is None and point.sockets[0].fault is None
    if len(here) > 1:
        yield f"{evse_id}: {len(here)} schedules"
    if standing is None or limit > standing or (limit < standing and over):
        yield f"{evse_id}: max_current {standing}, and the cloud limits to {limit}"


def _close(kwh: float, told: object) -> object:
    """What was told, where it is what the cloud told; else that."""
    rounded = round(kwh, 3)
    return told if isinstance(told, float | int) and abs(told - rounded) < 0.0015 else rounded


def energy_differences(account: SimulatedAccount, kept: Sequence[SessionRecord]) -> list[str]:
    """Where the sessions on disk are not those of the account."""
    found = []
    for point in account.charge_points.values():
        real = {str(one.number): one.kwh for one in point.transactions if round(one.kwh, 3) > 0}
        rows = [row for row in kept if row.evse_id == point.evse_id]
        booked = [row.transaction for row in rows if row.transaction is not None]
        if len(set(booked)) != len(booked):
            found.append(f"{point.evse_id}: a transaction twice in {sorted(booked)}")
        total, truth = sum(row.energy for row in rows), sum(real.values())
        if abs(total - truth) > 0.002 * (1 + len(real)):
            found.append(f"{point.evse_id}: {total:.3f} kWh on disk, not {truth:.3f}: {_list(rows)} for {real}")
    return found


def _list(rows: Iterable[SessionRecord]) -> list[tuple[int, str | None, float]]:
    return [(row.number, row.transaction, row.energy) for row in rows]
