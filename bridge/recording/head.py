"""The head of a recording, made from the storage, and the storage of a replay, made from the head."""

from datetime import datetime

from pydantic import JsonValue, ValidationError

from bridge import __version__
from bridge.recording.lines import Head
from bridge.runtime_settings import Values
from bridge.storage.recorder import GRIDS, grids_behind
from bridge.storage.rows import MEMORY, SETTINGS, STEERING
from bridge.storage.storage import Storage


def head_of(storage: Storage, values: Values, at: datetime) -> Head:
    """Make the head of a recording from the present state.

    Args:
        storage: the memories of sockets, and the descriptions of charge points.
        values: the settings that the hub may change.
        at: the present time.
    """
    memories, steerings = storage.memories(), storage.steerings()
    sockets: dict[str, dict[str, JsonValue]] = {}
    for identity in sorted(memories.keys() | steerings.keys()):
        sockets[identity] = {}
        if identity in memories:
            sockets[identity]["memory"] = MEMORY.dump_python(memories[identity], mode="json")
        if identity in steerings:
            sockets[identity]["steering"] = STEERING.dump_python(steerings[identity], mode="json")
    return Head(
        at=at,
        version=__version__,
        state_set=values.state_set,
        nominal_voltage=values.nominal_voltage,
        offline_grace=values.offline_grace,
        sockets=sockets,
        charge_points={
            evse_id: SETTINGS.dump_python(settings, mode="json")
            for evse_id, settings in storage.charge_points().items()
        },
        grids=[
            {"id": grid_id, "evse_id": list(evse_ids)}
            for grid_id, evse_ids in grids_behind(storage.value(GRIDS)).items()
        ],
    )


def storage_of(head: Head) -> tuple[Storage, list[str]]:
    """Make a storage in memory with the state in the head of a recording.

    Returns:
        The storage, and one line for each part of the head that this version cannot read.
    """
    storage = Storage(":memory:", now=lambda: head.at)
    faults = []
    for identity, content in head.sockets.items():
        try:
            if "memory" in content:
                storage.save_memories({identity: MEMORY.validate_python(content["memory"])}, head.at)
            if "steering" in content:
                storage.save_steering(identity, STEERING.validate_python(content["steering"]))
        except ValidationError:
            faults.append(f"the memory of {identity} cannot be read by this version")
    for evse_id, settings in head.charge_points.items():
        try:
            storage.save_charge_point(evse_id, SETTINGS.validate_python(settings))
        except ValidationError:
            faults.append(f"the description of {evse_id} cannot be read by this version")
    storage.save_value(GRIDS, {str(grid.get("id")): grid.get("evse_id") for grid in head.grids})
    return storage, faults
