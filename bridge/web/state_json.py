"""The view as JSON, for `GET /api/state`."""

from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter

from bridge.web.view import ChargePointView, View

_VIEW: Final = TypeAdapter(View)
_CHARGE_POINT: Final = TypeAdapter(ChargePointView)


def as_json(view: View) -> bytes:
    """Return a view as JSON. Charge points are encoded one by one, so that the event loop can run in between."""
    rest = _VIEW.dump_json(replace(view, charge_points=()))
    before, key, after = rest.partition(b'"charge_points":[')  # quotes inside values are escaped, so this is the key
    return before + key + b",".join(_CHARGE_POINT.dump_json(one) for one in view.charge_points) + after
