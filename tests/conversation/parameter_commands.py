"""Commands of the service `parameters`, and their answers."""

from typing import Any

from tests.harness import SOCKET, Heard, House


async def supported(house: House, evse_id: str = SOCKET) -> dict[str, dict[str, Any]]:
    """The entries of `evt.sup_params.report`, by id."""
    (answer,) = await house.hub.command(evse_id, "cmd.sup_params.get_report", service="parameters")
    assert answer.message.value_type == "object"
    entries: Any = answer.message.value
    return {entry["parameter_id"]: entry for entry in entries}


async def put(house: House, parameter_id: str, value: object, evse_id: str = SOCKET, **more: Any) -> Heard:
    """Set a parameter; returns the answer."""
    kinds = {bool: "bool", int: "int", str: "string", list: "int_array"}
    wish = {"parameter_id": parameter_id, "value_type": kinds.get(type(value), "string"), "value": value, **more}
    (answer,) = await house.hub.command(evse_id, "cmd.param.set", service="parameters", val_t="object", val=wish)
    return answer


async def get(house: House, parameter_id: str, evse_id: str = SOCKET) -> Heard:
    """Ask for a parameter; returns the answer."""
    (answer,) = await house.hub.command(
        evse_id, "cmd.param.get_report", service="parameters", val_t="string", val=parameter_id
    )
    return answer


def value_of(answer: Heard) -> object:
    """The value in `evt.param.report`."""
    assert answer.message.type == "evt.param.report", answer
    content: Any = answer.message.value
    assert answer.message.storage is not None
    assert (answer.message.storage.strategy, answer.message.storage.sub_value) == ("aggregate", content["parameter_id"])
    return content["value"]
