"""Reading and writing FIMP messages (fimp-api, "Message Format").

Reading is as lenient as the specification requires, and no more. Anything else raises `Malformed` and no other
exception. Writing fulfils what hubs depend on: `props` is a map, `tags` a list, `ctime` has milliseconds and an offset.
"""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import from_json, to_json

from bridge.errors import InvalidValue, Malformed
from bridge.fimp.time_format import format_time, parse_time
from bridge.fimp.topic import PayloadType

MAX_BYTES: Final = 1024 * 1024
"""The largest accepted message, unpacked, in bytes. Inclusion reports, the largest messages, have about 10,000."""


LONGEST_NAME: Final = 256
"""The most characters of a service, interface, value type or uid. Answers and the log repeat them."""

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class StoragePolicy(BaseModel):
    """How the hub's database stores a report (fimp-api, "Storage Policy").

    Attributes:
        strategy: `aggregate` (one value for each `sub_value`), `split` (one for each key), or `skip`.
        sub_value: distinguishes the reports of one attribute for `aggregate`.
    """

    model_config = ConfigDict(frozen=True)

    strategy: str | None = None
    sub_value: str | None = None


SKIP: Final = StoragePolicy(strategy="skip")
SPLIT: Final = StoragePolicy(strategy="split")


@lru_cache(maxsize=1024)
def aggregate(sub_value: str) -> StoragePolicy:
    """Make the policy that stores the last value for each `sub_value`."""
    return StoragePolicy(strategy="aggregate", sub_value=sub_value)


class Message(BaseModel):
    """One FIMP message.

    Attributes:
        service: `serv` on the wire.
        type: the interface, such as `cmd.charge.start`.
        value_type: `val_t` on the wire. It has not been compared with `value`; `Call.check` does that.
        value: `val` on the wire.
        properties: `props` on the wire. The bridge sends only strings; a received message may have any values.
        tags: labels; the bridge sends none.
        storage: how the hub stores a report.
        resp_to: the topic for a copy of the answer.
        corid: the `uid` of the message that this one answers.
        uid: the id of the message, a UUID.
        ctime: when it was made; None if the sender left it out, which means now.
        src: the sender.
        version: `ver` on the wire.
        topic: the topic that it was sent on, without the global prefix.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    service: Name = Field(alias="serv")
    type: Name
    value_type: Name = Field(alias="val_t")
    value: JsonValue = Field(alias="val", default=None)
    properties: Mapping[str, JsonValue] = Field(alias="props", default_factory=dict)
    tags: Sequence[JsonValue] = ()
    storage: StoragePolicy | None = None
    resp_to: str | None = None
    corid: str | None = None
    uid: Name
    ctime: datetime | None = None
    src: str | None = None
    version: str = Field(alias="ver", default="1")
    topic: str | None = None

    @field_validator("ctime", mode="before")
    @classmethod
    def _read_time(cls, value: object) -> object:
        # Some senders write an empty text. It counts as a missing time, which means now.
        if isinstance(value, str):
            return parse_time(value) if value else None
        if value is None or isinstance(value, datetime):
            return value
        raise ValueError("a time is text")

    @field_validator("src", "corid", "topic", "version", "tags", "storage", mode="wrap")
    @classmethod
    def _ignore_if_unreadable(cls, value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
        """Count a value of another type as missing, since no command depends on it."""
        try:
            return read(value)
        except ValidationError:
            return cls.model_fields[info.field_name or ""].default

    @field_validator("properties", mode="before")
    @classmethod
    def _read_empty_list(cls, value: object) -> object:
        # Some languages write an empty map as an empty list.
        return {} if value == [] else value

    @field_validator("resp_to", mode="before")
    @classmethod
    def _read_any_topic(cls, value: object) -> object:
        # Whatever it is, the text is no topic, and the command is answered as one with such a topic.
        return value if value is None or isinstance(value, str) else repr(value)[:LONGEST_NAME]

    @classmethod
    def parse(cls, payload: bytes, payload_type: PayloadType = "j1") -> Self:
        """Parse a message from the broker.

        Args:
            payload: JSON in UTF-8; gzipped for `j1c1`.
            payload_type: the payload type in the topic.

        Raises:
            Malformed: the payload is not JSON, not gzip for `j1c1`, not an object, larger than `MAX_BYTES`, or a
                required field is missing or has the wrong type.
        """
        if len(payload) > MAX_BYTES:
            raise Malformed(f"The message has more than {MAX_BYTES} bytes.")
        try:
            text = _unpack(payload) if payload_type == "j1c1" else payload
            data = from_json(text, allow_inf_nan=False, cache_strings="keys")  # ids never come again
        except ValueError as error:
            raise Malformed(f"The message is not JSON: {error}.") from None
        if not isinstance(data, dict):
            raise Malformed("The message is JSON, but not an object.")
        uid = data.get("uid")
        known_uid = uid if isinstance(uid, str) and 0 < len(uid) <= LONGEST_NAME else None
        # Null counts as a missing key for every key that may be missing.
        present = {key: value for key, value in data.items() if value is not None or key in _REQUIRED}
        if "val" not in data and data.get("val_t", "null") != "null":
            raise Malformed("The message has no field val.", uid=known_uid)
        try:
            return cls.model_validate(present)
        except ValidationError as error:
            raise Malformed(_explain(error), uid=known_uid) from None

    def to_bytes(self, payload_type: PayloadType = "j1") -> bytes:
        """Return the payload for the broker: JSON in UTF-8, gzipped for `j1c1`."""
        fields: dict[str, JsonValue] = {
            "serv": self.service,
            "type": self.type,
            "val_t": self.value_type,
            "val": self.value,
            "props": dict(self.properties),
            "tags": list(self.tags),
        }
        if self.storage is not None:
            fields["storage"] = self.storage.model_dump(exclude_none=True)
        if self.resp_to is not None:
            fields["resp_to"] = self.resp_to
        if self.corid is not None:
            fields["corid"] = self.corid
        fields["uid"] = self.uid
        if self.ctime is not None:
            fields["ctime"] = format_time(self.ctime)
        if self.src is not None:
            fields["src"] = self.src
        fields["ver"] = self.version
        if self.topic is not None:
            fields["topic"] = self.topic
        text = to_json(fields)
        return gzip.compress(text) if payload_type == "j1c1" else text

    def property(self, name: str) -> str | None:
        """Return the property `name`; None if the message has none.

        Raises:
            InvalidValue: the property is not text.
        """
        value = self.properties.get(name)
        if value is None or isinstance(value, str):
            return value
        raise InvalidValue(f"The property {name} must be text, in quotes.")


_REQUIRED: Final = frozenset({"serv", "type", "val_t", "val", "uid"})
_FIELD_NAMES: Final = TypeAdapter(dict[str, str]).validate_python(
    {name: field.alias or name for name, field in Message.model_fields.items()}
)


def _unpack(payload: bytes) -> bytes:
    """Unpack gzip with any number of members, without holding more than `MAX_BYTES`."""
    out = b""
    while payload:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            out += member.decompress(payload, MAX_BYTES + 1 - len(out))
        except zlib.error as error:
            raise Malformed(f"The message is not gzip, as its topic (pt:j1c1) says: {error}.") from None
        if len(out) > MAX_BYTES:
            raise Malformed(f"The message unpacks to more than {MAX_BYTES} bytes.")
        if not member.eof:
            raise Malformed("The message is not gzip, as its topic (pt:j1c1) says: it ends too early.")
        payload = member.unused_data
    return out


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "message"
    name = _FIELD_NAMES.get(field, field)
    if first["type"] == "missing":
        return f"The message has no field {name}."
    return f"The field {name} cannot be read: {first['msg'].removeprefix('Value error, ')}."
