"""Recognising that a setter was carried out by its effect, without its `STATUS_` (design page 3, "Requests").

A `Shows` reads one frame for one request. It returns True if the frame shows the requested value, False if it shows
another value, and None if it does not show the value at all.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import time

from bridge.bluecurrent.frames import ChargePoints, Frame, SettingsBody, Statuses
from bridge.chargepoint.charge_point_settings import APP_CARD, Card, ChargePointSettings, Setting
from bridge.chargepoint.status import Activity, Status
from bridge.chargepoint.update import Update

Shows = Callable[[Frame], bool | None]


def operative(evse_id: str, *, wanted: bool) -> Shows:
    """Recognise a block or its end by the activity in CH_STATUS. `error` and `offline` show neither."""
    free = {Activity.AVAILABLE, Activity.CHARGING, Activity.DELAYED}

    def shows(frame: Frame) -> bool | None:
        activities = {status.activity for status in _statuses(frame, evse_id)} & {*free, Activity.UNAVAILABLE}
        return _all((activity in free) is wanted for activity in activities)

    return shows


def boosting(evse_id: str) -> Shows:
    """Recognise an overridden profile by `boosting` in CH_STATUS."""

    def shows(frame: Frame) -> bool | None:
        flags = [status.boosting for status in _statuses(frame, evse_id)]
        return any(flags) if any(flag is not None for flag in flags) else None

    return shows


def settings(evse_id: str, **wanted: bool | time | Sequence[int] | None) -> Shows:
    """Recognise changed settings by CH_SETTINGS or CHARGE_POINTS.

    Args:
        evse_id: the charge point.
        wanted: the new values, by their names in `ChargePointSettings`; None for a field that does not change.
    """
    fields = {name: _plain(value) for name, value in wanted.items() if value is not None}

    def shows(frame: Frame) -> bool | None:
        update = _settings(frame, evse_id)
        if update is None:
            return None
        present = {name: _plain(getattr(update.values, name)) for name in fields if name in update.present}
        known = {name: value for name, value in present.items() if value is not None}
        if any(fields[name] != value for name, value in known.items()):
            return False
        return True if known and known.keys() == fields.keys() else None

    return shows


def delayed_charging(evse_id: str, *, wanted: bool) -> Shows:
    """Recognise delayed charging by its setting, or by the activity `delayed`, which only this profile causes."""
    in_settings = settings(evse_id, delayed_charging=wanted)

    def shows(frame: Frame) -> bool | None:
        if any(status.activity is Activity.DELAYED for status in _statuses(frame, evse_id)):
            return wanted
        return in_settings(frame)

    return shows


def plug_and_charge_card(evse_id: str, *, wanted: str) -> Shows:
    """Recognise a new plug-and-charge card by the settings; `wanted` is its uid, or `BCU-APP` for none."""

    def shows(frame: Frame) -> bool | None:
        update = _settings(frame, evse_id)
        if update is None or "plug_and_charge_card" not in update.present:
            return None
        card = update.values.plug_and_charge_card or Card(APP_CARD)
        return card.session_token == wanted

    return shows


def _statuses(frame: Frame, evse_id: str) -> Sequence[Status]:
    sockets = frame.body.sockets if isinstance(frame.body, Statuses) else ()
    return [socket.update.values for socket in sockets if socket.evse_id == evse_id]


def _settings(frame: Frame, evse_id: str) -> Update[ChargePointSettings] | None:
    match frame.body:
        case SettingsBody(update) if frame.evse_id == evse_id:
            return update
        case ChargePoints(listed):
            return next((item.update for item in listed if item.evse_id == evse_id), None)
        case _:
            return None


def _plain(value: object) -> object:
    """Return a setting's value in a form that can be compared."""
    if isinstance(value, Setting):
        return value.value
    return tuple(sorted(value)) if isinstance(value, list | tuple) else value


def _all(answers: Iterable[bool]) -> bool | None:
    """Return whether all are true; None if there are none."""
    given = list(answers)
    return all(given) if given else None
