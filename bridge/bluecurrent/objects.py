"""The names of the cloud's objects that the bridge knows (design page 3, "Requests" and "Pushes and data")."""

from typing import Final

_DATA: Final = frozenset(
    {
        "ACCOUNT", "CHARGE_CARDS", "CHARGE_POINTS", "CH_SETTINGS", "CH_STATUS", "ERROR", "GRID_CURRENT", "GRID_STATUS",
        "HELLO", "STATUS_API_TOKEN", "SUSTAINABILITY_STATUS",
    }
)  # fmt: skip

_COMMANDS: Final = frozenset(
    {
        "LIST_OVERRIDE_CURRENT", "OVERRIDE_CHARGING_PROFILES", "OVERRIDE_DELAYED_CHARGING_TIMEOUT",
        "PATCH_PRICE_BASED_CHARGING_SETTINGS", "POST_CLEAR_OVERRIDE_CURRENT", "POST_EDIT_OVERRIDE_CURRENT",
        "POST_SET_OVERRIDE_CURRENT", "REBOOT", "SAVE_SCHEDULE_DELAYED_CHARGING", "SET_DELAYED_CHARGING",
        "SET_INOPERATIVE", "SET_OPERATIVE", "SET_PLUG_AND_CHARGE", "SET_PLUG_AND_CHARGE_CHARGE_CARD",
        "SET_PRICE_BASED_CHARGING", "SET_PUBLIC_CHARGING", "SOFT_RESET", "START_SESSION", "STOP_SESSION",
        "UNLOCK_CONNECTOR",
    }
)  # fmt: skip


def is_known(name: str) -> bool:
    """Whether the bridge knows an object, as data or as the answer to a command."""
    return name in _DATA or name.removeprefix("RECEIVED_").removeprefix("STATUS_") in _COMMANDS
