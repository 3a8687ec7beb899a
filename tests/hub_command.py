"""The commands that a hub sends."""

from datetime import datetime


def hub_command(uid: str, at: datetime | None = None, **fields: object) -> dict[str, object]:
    """Return the body of a FIMP command (design page 4).

    Args:
        uid: its `uid`.
        at: its `ctime`, with an offset; None: now.
        fields: the `type`, and the fields that differ from those of a `chargepoint` command without a value.
    """
    return {
        "serv": "chargepoint",
        "val_t": "null",
        "val": None,
        "props": {},
        "tags": [],
        "src": "hub",
        "ver": "1",
        "uid": uid,
        "ctime": (at or datetime.now().astimezone()).isoformat(timespec="milliseconds"),
        **fields,
    }
