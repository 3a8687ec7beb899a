"""Commands that set limits, and the requests about overrides that the cloud saw."""

from typing import Any

from tests.harness import SOCKET, Heard, House

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]

OVERRIDES = (
    "LIST_OVERRIDE_CURRENT",
    "POST_SET_OVERRIDE_CURRENT",
    "POST_EDIT_OVERRIDE_CURRENT",
    "POST_CLEAR_OVERRIDE_CURRENT",
)


def requests(house: House) -> list[tuple[str, Any]]:
    """The requests that changed overrides: the command, and the value or the id."""
    return [
        (str(frame["command"]).split("_")[1], frame.get("overridevalue", frame.get("schedule_id")))
        for frame in house.cloud.requests_for(*OVERRIDES[1:])
    ]


def schedules(house: House) -> dict[int, float]:
    """The overrides in the cloud: id → A."""
    return {number: entry.override.current_a for number, entry in house.cloud.account.schedules.items()}


async def set_max(house: House, current: int, evse_id: str = SOCKET) -> Heard:
    """Set the standing limit."""
    (answer,) = await house.hub.command(evse_id, "cmd.max_current.set", val_t="int", val=current)
    return answer


async def set_session(house: House, current: int, evse_id: str = SOCKET) -> Heard:
    """Set the session's limit."""
    (answer,) = await house.hub.command(evse_id, "cmd.current_session.set_current", val_t="int", val=current)
    return answer
