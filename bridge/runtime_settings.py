"""What the hub may change while the service runs (contract 6, `cmd.config.extended_set`).

The values begin as the settings say. What the hub sets goes before that, and is kept on disk until the hub resets it.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, ValidationError

from bridge.chargepoint.state import StateSet
from bridge.errors import InvalidValue
from bridge.logs import level_named
from bridge.settings import CardUid, Grace, Level, Seconds, Settings, SlowCurrent, Voltage
from bridge.storage.storage import Storage


class Values(BaseModel):
    """The configuration as the hub sees it; the names are those of the manifest's blocks.

    Attributes:
        state_set: which states are reported.
        card: uid of the charge card for sessions that the hub starts; empty: the charge point's default.
        slow_current: the limit of charging mode `slow`, A.
        nominal_voltage: used for power while a charge point reports current and no voltage, V.
        offline_grace: how long the link may be down before things are DOWN, s.
        command_max_age: how old a command that acts may be, s.
        log_level: what the log says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_set: StateSet
    card: CardUid
    slow_current: SlowCurrent
    nominal_voltage: Voltage
    offline_grace: Grace
    command_max_age: Seconds
    log_level: Annotated[Level, BeforeValidator(lambda value: level_named(str(value)) or value)]


Name = Literal[
    "state_set", "card", "slow_current", "nominal_voltage", "offline_grace", "command_max_age", "log_level"
]  # fmt: skip


CONFIG: Final = "config"
"""Under which name the storage keeps what the hub has set."""


class RuntimeSettings:
    """The values in force.

    Args:
        settings: what they are when the hub has set nothing.
        storage: keeps what the hub has set.

    Attributes:
        listeners: who hears that other values are in force.
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
        self.values = self._defaults
        stored = storage.value(CONFIG)
        if isinstance(stored, dict):
            # What an older or newer version has stored and this one does not take is left out.
            for name, value in stored.items():
                try:
                    self._take({name: value})
                except InvalidValue:
                    continue

    @property
    def grace(self) -> timedelta:
        """How long the link may be down before things are DOWN and states `unknown`."""
        return timedelta(seconds=self.values.offline_grace)

    @property
    def max_age(self) -> timedelta:
        """How old a command that acts may be."""
        return timedelta(seconds=self.values.command_max_age)

    def _take(self, changes: Mapping[str, JsonValue]) -> None:
        given = {**self._set, **changes}
        try:
            self.values = Values.model_validate({**self._defaults.model_dump(), **given}, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = first["loc"][0] if first["loc"] else ""
            raise InvalidValue(f"{name}: {first['msg'].lower()}.") from None
        self._set = given

    def change(self, changes: Mapping[str, JsonValue]) -> None:
        """Set some values from the hub.

        Raises:
            InvalidValue: one of them cannot be; then none is set.
        """
        self._take(changes)
        self._changed()

    def reset(self) -> None:
        """Forget what the hub has set."""
        self._set, self.values = {}, self._defaults
        self._changed()

    def _changed(self) -> None:
        self._storage.save_value(CONFIG, dict(self._set) or None)
        for listener in self.listeners:
            listener()
