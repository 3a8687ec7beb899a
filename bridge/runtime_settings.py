"""The settings that the hub may change while the service runs (contract 6, `cmd.config.extended_set`).

Their defaults are the values of the settings. A value that the hub sets takes precedence, and is kept on disk until the
hub resets it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from bridge.chargepoint.state import StateSet
from bridge.errors import InvalidValue
from bridge.settings import CardUid, Grace, LogLevel, Seconds, Settings, SlowCurrent, Voltage
from bridge.settings_faults import last_by_key, nearest, words_of
from bridge.storage.storage import Storage


class Values(BaseModel):
    """The configuration that the hub sees. The names are those of the blocks in the manifest.

    Attributes:
        state_set: the set of states that is reported.
        card: the uid of the charge card for sessions that the hub starts; empty for the charge point's default.
        slow_current: the limit of charging mode `slow`, A.
        nominal_voltage: the voltage for computing power while a charge point reports current and no voltage, V.
        offline_grace: how long the link may be down before things are reported DOWN, s.
        command_max_age: the highest age of a command that acts, s.
        log_level: the level of the log.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_set: StateSet
    card: CardUid
    slow_current: SlowCurrent
    nominal_voltage: Voltage
    offline_grace: Grace
    command_max_age: Seconds
    log_level: LogLevel


CONFIG: Final = "config"
"""The key in the storage of the values that the hub has set."""


class RuntimeSettings:
    """The values in force.

    Args:
        settings: the defaults.
        storage: keeps the values that the hub has set.

    Attributes:
        values: the values in force.
        listeners: called without arguments after every change.
    """

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
    ) -> None:
        self._defaults = Values(
            state_set=settings.fimp.state_set,
            card=settings.charging.card,
            slow_current=settings.charging.slow_current,
            nominal_voltage=settings.charging.nominal_voltage,
            offline_grace=settings.cloud.offline_grace,
            command_max_age=settings.commands.max_age,
            log_level=settings.log.level,
        )
        self._storage = storage
        self.listeners: tuple[Callable[[], None], ...] = ()
        self._set: dict[str, JsonValue] = {}
        self._apply(self._defaults)
        stored = storage.value(CONFIG)
        if isinstance(stored, dict):
            # A value that another version has stored and this one does not accept is ignored.
            for name, value in stored.items():
                try:
                    self._take({name: value})
                except InvalidValue:
                    continue

    def _apply(self, values: Values) -> None:
        self.values = values
        self.grace = timedelta(seconds=values.offline_grace)
        """How long the link may be down before things are DOWN and states `unknown`."""

    @property
    def max_age(self) -> timedelta:
        """The highest age of a command that acts."""
        return timedelta(seconds=self.values.command_max_age)

    def _take(self, changes: Mapping[str, JsonValue], *, texts: bool = False) -> None:
        given = {**self._set, **changes}
        try:
            values = Values.model_validate({**self._defaults.model_dump(), **given}, strict=not texts)
        except ValidationError as error:
            raise InvalidValue("; ".join(_describe(error)) + ".") from None
        self._apply(values)
        self._set = {name: value for name, value in values.model_dump(mode="json").items() if name in given}

    def change(self, changes: Mapping[str, JsonValue], *, texts: bool = False) -> None:
        """Set values from the hub, by their names in `Values`.

        Args:
            changes: the values.
            texts: the values are texts, numbers too, as in a `str_map`.

        Raises:
            InvalidValue: a name is unknown, or a value has another type or is out of range. Then none is set.
        """
        self._take(changes, texts=texts)
        self._changed()

    def reset(self) -> None:
        """Return to the defaults."""
        self._set = {}
        self._apply(self._defaults)
        self._changed()

    def _changed(self) -> None:
        self._storage.save_value(CONFIG, dict(self._set) or None)
        for listener in self.listeners:
            listener()


def _describe(error: ValidationError) -> Iterator[str]:
    for name, fault in last_by_key(error, depth=1).items():
        if fault["type"] == "extra_forbidden":
            yield f"{name}: unknown setting{nearest(name, Values.model_fields)}"
        else:
            yield f"{name}: {words_of(fault)}"
