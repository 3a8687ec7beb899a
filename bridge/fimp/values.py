"""The value types of FIMP (fimp-api, "Value Types") and their checks."""

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeGuard

from pydantic import JsonValue

ValueType = Literal[
    "string", "int", "float", "bool", "null",
    "str_array", "int_array", "float_array",
    "str_map", "int_map", "float_map", "bool_map",
    "object", "bin",
]  # fmt: skip


def is_string(value: object) -> TypeGuard[str]:
    """Whether a value is text."""
    return isinstance(value, str)


def is_int(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number. A bool is not one."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_float(value: object) -> TypeGuard[float]:
    """Whether a value is a finite number. `3` is a valid float."""
    return is_int(value) or (isinstance(value, float) and math.isfinite(value))


def is_bool(value: object) -> TypeGuard[bool]:
    """Whether a value is true or false."""
    return isinstance(value, bool)


def _is_bin(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _array(of: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(of(item) for item in value)


def _map(of: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, Mapping) and all(of(item) for item in value.values())


_CHECKS: Final[Mapping[str, Callable[[object], bool]]] = {
    "string": is_string,
    "int": is_int,
    "float": is_float,
    "bool": is_bool,
    "null": lambda value: value is None,
    "str_array": _array(is_string),
    "int_array": _array(is_int),
    "float_array": _array(is_float),
    "str_map": _map(is_string),
    "int_map": _map(is_int),
    "float_map": _map(is_float),
    "bool_map": _map(is_bool),
    # fimp-api sends arrays of objects under the same name (all_nodes_report, sup_params).
    "object": lambda value: isinstance(value, Mapping | list),
    "bin": _is_bin,
}


def fits(value_type: str, value: JsonValue) -> bool:
    """Whether `value` has the type that `value_type` names. No value has an unknown type."""
    check = _CHECKS.get(value_type)
    return check is not None and check(value)
