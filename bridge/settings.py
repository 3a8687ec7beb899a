"""All settings with their types, bounds and defaults (contract 2). `settings_sources` reads their values."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridge.chargepoint.state import StateSet
from bridge.chargepoint.status import MINIMUM_CURRENT_A
from bridge.fimp.topic import MOST_LEVELS, is_level
from bridge.host_name import host_of, websocket_url
from bridge.log_level import Level, level_named
from bridge.secret_text import token_of

PREFIX: Final = "BRIDGE_"
DELIMITER: Final = "__"


def _empty_is_none(value: object) -> object:
    return None if _revealed(value) == "" else value


def _token(value: object) -> object:
    text = _revealed(value)
    return token_of(text) or None if isinstance(text, str) else value


def _level(value: object) -> object:
    return (level_named(value) if isinstance(value, str) else None) or value


def _revealed(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


OptionalText = Annotated[str | None, BeforeValidator(_empty_is_none)]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none)]
ApiToken = Annotated[SecretStr | None, BeforeValidator(_token)]
Password = Annotated[SecretStr | None, BeforeValidator(_empty_is_none)]
LogLevel = Annotated[Level, BeforeValidator(_level)]


def _topic_name(text: str) -> str:
    if re.fullmatch("[A-Za-z0-9_-]+", text) is None:
        raise ValueError("must be a name of letters, digits, _ and -")
    return text


TopicName = Annotated[str, AfterValidator(_topic_name)]
MOST_PREFIX_LEVELS: Final = MOST_LEVELS - 8
"""The most levels of `mqtt.topic_prefix`. A FIMP topic has up to seven levels of its own."""

LONGEST_S: Final = 366 * 86_400
Seconds = Annotated[int | float, Field(gt=0, le=LONGEST_S)]

# The hub may also set these, within the same bounds.
CardUid = Annotated[str, StringConstraints(max_length=64)]
Grace = Annotated[int | float, Field(ge=0, le=LONGEST_S)]
SlowCurrent = Annotated[int, Field(ge=MINIMUM_CURRENT_A, le=80)]
Voltage = Annotated[int | float, Field(ge=50, le=500)]


class Section(BaseModel):
    """The base class of all sections. An unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _cut_blanks(cls, value: object, info: ValidationInfo) -> object:
        """Remove blanks at the ends of every text except a password."""
        return value.strip() if isinstance(value, str) and info.field_name != "password" else value


class MqttSettings(Section):
    """The broker: a Futurehome hub's local API listens on 1884, most others on 1883."""

    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: OptionalText = None
    password: Password = None
    tls: bool = False
    ca_file: OptionalPath = None
    cert_file: OptionalPath = None
    key_file: OptionalPath = None
    tls_insecure: bool = False
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] = "bluecurrent-fimp"
    topic_prefix: str = ""

    @field_validator("topic_prefix")
    @classmethod
    def _check_prefix(cls, prefix: str) -> str:
        """Refuse a prefix that would make a broker close the connection."""
        levels = prefix.split("/") if prefix else []
        if len(levels) > MOST_PREFIX_LEVELS or ":" in prefix or not all(map(is_level, levels)):
            raise ValueError(f"must be a plain name, or at most {MOST_PREFIX_LEVELS} of them with slashes between")
        return prefix

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        """Accept an IPv6 address with or without brackets, and refuse a URL or a port with an explanation."""
        try:
            return host_of(host)
        except ValueError as error:
            raise ValueError(f"{error}; a port goes into mqtt.port, and TLS is mqtt.tls") from None

    @property
    def where(self) -> str:
        """Host and port for messages to people, with an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class CloudSettings(Section):
    """Blue Current's cloud."""

    url: Annotated[str, AfterValidator(websocket_url)] = "wss://motown.bluecurrent.nl/haserver"
    api_token: ApiToken = None
    record_file: OptionalPath = None
    command_timeout: Seconds = 60
    offline_grace: Grace = 60


class FimpSettings(Section):
    """The bridge's own address on FIMP, and the set of states that it reports."""

    resource_name: TopicName = "bluecurrent"
    resource_address: TopicName = "1"
    state_set: StateSet = "standard"


class ChargingSettings(Section):
    """Defaults for sessions that the hub starts, and for computing power."""

    card: CardUid = ""
    slow_current: SlowCurrent = MINIMUM_CURRENT_A
    nominal_voltage: Voltage = 230


class CommandSettings(Section):
    """The limits for commands."""

    max_age: Seconds = 300


class StorageSettings(Section):
    """The file that holds what must survive a restart."""

    path: Path = Path("data/bridge.db")

    @field_validator("path")
    @classmethod
    def _names_a_file(cls, path: Path) -> Path:
        if not path.name:
            raise ValueError("must name a file, such as data/bridge.db")
        return path


class HttpSettings(Section):
    """Status page, health and metrics. An empty `listen` turns them off."""

    listen: str = "127.0.0.1:8099"

    @field_validator("listen")
    @classmethod
    def _check_port(cls, listen: str) -> str:
        if listen and re.fullmatch(r".+:[0-9]{1,5}", listen) is None:
            raise ValueError("must be ADDRESS:PORT, such as 127.0.0.1:8099, or empty for none")
        if listen and int(listen.rpartition(":")[2]) > 65535:
            raise ValueError("a port is 65535 at the most")
        return listen

    @property
    def address(self) -> tuple[str, int] | None:
        """The host and the port to listen on; None if turned off."""
        if not self.listen:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def from_here(self) -> tuple[str, int] | None:
        """The host and the port for a client on the same machine; None if turned off."""
        if self.address is None:
            return None
        host, port = self.address
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 - compared, not bound


class LogSettings(Section):
    """Level and format of the log."""

    level: LogLevel = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Settings(BaseSettings):
    """All settings of the service."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_nested_max_split=1,
    )

    mqtt: MqttSettings = MqttSettings()
    cloud: CloudSettings = CloudSettings()
    fimp: FimpSettings = FimpSettings()
    charging: ChargingSettings = ChargingSettings()
    commands: CommandSettings = CommandSettings()
    storage: StorageSettings = StorageSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only from the constructor: `settings_sources.load` merges the sources and records each origin."""
        return (init_settings,)


KEYS: Final = tuple(
    f"{section}.{key}"
    for section, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    for key in field.annotation.model_fields
)
"""All keys in the form `mqtt.host`."""
