"""The settings that the hub may change."""

import pytest
from pydantic import JsonValue

from bridge.errors import InvalidValue
from bridge.runtime_settings import CONFIG, RuntimeSettings
from bridge.settings import Settings
from bridge.storage.storage import Storage


def made(stored: JsonValue = None, settings: Settings | None = None) -> tuple[RuntimeSettings, list[JsonValue]]:
    """RuntimeSettings and their stored values."""
    storage = Storage(":memory:")
    storage.save_value(CONFIG, stored)
    runtime, kept = RuntimeSettings(settings or Settings(), storage), list[JsonValue]()
    runtime.listeners = (lambda: kept.append(storage.value(CONFIG)),)
    return runtime, kept


def test_runtime_settings_begin_with_the_values_of_the_settings() -> None:
    settings = Settings(
        cloud={"offline_grace": 0.5},
        commands={"max_age": 0.25},
        charging={"nominal_voltage": 120.5, "slow_current": 80, "card": "x" * 64},
    )
    runtime, kept = made(settings=settings)
    assert runtime.values.nominal_voltage == 120.5
    assert runtime.grace.total_seconds() == 0.5
    assert runtime.max_age.total_seconds() == 0.25
    assert kept == []


def test_a_changed_value_is_stored_and_the_others_follow_the_settings() -> None:
    runtime, kept = made()
    runtime.change({"slow_current": 8})
    runtime.change({"log_level": "debug"})
    assert kept[-1] == {"slow_current": 8, "log_level": "debug"}
    again, _ = made(kept[-1], Settings(charging={"slow_current": 10, "card": "A"}))
    assert (again.values.slow_current, again.values.card) == (8, "A")
    again.reset()
    assert again.values.slow_current == 10


@pytest.mark.parametrize("name", ["slow_current", "state_set", "toaster"])
def test_one_wrong_value_sets_nothing(name: str) -> None:
    runtime, kept = made()
    with pytest.raises(InvalidValue, match=f"^{name}: "):
        runtime.change({"nominal_voltage": 240, name: []})
    assert (runtime.values.nominal_voltage, kept) == (230, [])


def test_a_map_of_texts_sets_numbers_too() -> None:
    runtime, kept = made()
    runtime.change({"slow_current": "8", "nominal_voltage": "231.5", "log_level": "warn"}, texts=True)
    assert kept[-1] == {"slow_current": 8, "nominal_voltage": 231.5, "log_level": "warning"}
    with pytest.raises(InvalidValue, match=r"^slow_current: must be a whole number\.$"):
        runtime.change({"slow_current": "8"})


def test_each_wrong_value_is_named_in_plain_words() -> None:
    runtime, _ = made()
    with pytest.raises(InvalidValue) as caught:
        runtime.change({"slow_curent": 8, "offline_grace": -1, "card": 5})
    assert str(caught.value) == (
        "card: must be a text; offline_grace: must be greater than or equal to 0; "
        "slow_curent: unknown setting; did you mean slow_current?."
    )


@pytest.mark.parametrize("stored", [None, 5, [], {"toaster": True, "slow_current": "x", "card": "A"}])
def test_a_stored_value_that_is_invalid_is_ignored(stored: JsonValue) -> None:
    runtime, _ = made(stored)
    assert runtime.values.slow_current == 6
    assert runtime.values.card == ("A" if isinstance(stored, dict) else "")
