"""FIMP messages, read and written (fimp-api, "Message Format").

Reading is as lenient as the specification asks for and no more; whatever it does not allow ends in
`Malformed`, never in another exception. Writing gives exactly what hubs are picky about: `props` a map,
`tags` a list, `ctime` with milliseconds and offset.
"""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, field_validator
from pydantic_core import from_json, to_json

from bridge.errors import InvalidValue, Malformed
from bridge.fimp.time_format import format_time, parse_time
from bridge.fimp.topic import PayloadType

MAX_BYTES: Final = 1024 * 1024
"""The most a message may hold, unpacked, in bytes; inclusion reports, the largest, have some ten thousand."""


LONGEST_NAME: Final = 256
"""Characters of a service, an interface, a value type or a uid: they are repeated in answers and in the log."""

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class StoragePolicy(BaseModel):
    """How the hub's database is to keep a report (fimp-api, "StoragePolicy Policy").

    Attributes:
        strategy: `aggregate` by `sub_value`, `split` by key, or `skip`.
        sub_value: what `aggregate` tells reports of one attribute apart by.
    """

    model_config = ConfigDict(frozen=True)

    strategy: str | None = None
    sub_value: str | None = None


SKIP: Final = StoragePolicy(strategy="skip")
SPLIT: Final = StoragePolicy(strategy="split")


def aggregate(sub_value: str) -> StoragePolicy:
    """StoragePolicy that keeps the last value for each `sub_value`."""
    return StoragePolicy(strategy="aggregate", sub_value=sub_value)


class Message(BaseModel):
    """One FIMP message.

    Attributes:
        service: wire name `serv`.
        type: the interface, such as `cmd.charge.start`.
        value_type: wire name `val_t`; not yet compared with `value`: that is the interface's business.
        value: wire name `val`.
        properties: wire name `props`. Strings, in what the bridge sends; whatever came, in what it reads.
        tags: labels; the bridge sends none.
        storage: how a report is to be kept.
        resp_to: topic for a copy of the answer.
        corid: `uid` of the message that this one answers.
        uid: what tells messages apart, a UUID.
        ctime: when it was made; None if the sender did not say, which means now.
        src: who sent it.
        version: wire name `ver`.
        topic: the topic it was sent on, without the global prefix.
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
        # Some senders write the key and leave it empty; the specification counts a missing time as now.
        if isinstance(value, str):
            return parse_time(value) if value else None
        if value is None or isinstance(value, datetime):
            return value
        raise ValueError("a time is text")

    @classmethod
    def parse(cls, payload: bytes, payload_type: PayloadType = "j1") -> Self:
        """Read a message as it came from the broker.

        Args:
            payload: JSON in UTF-8; for `j1c1` the same, gzipped.
            payload_type: which of the two, as the topic says.

        Raises:
            Malformed: it is not JSON, not gzip where gzip was said, not an object, larger than `MAX_BYTES`,
                or a required field is missing or of the wrong kind.
        """
        if len(payload) > MAX_BYTES:
            raise Malformed(f"The message has more than {MAX_BYTES} bytes.")
        try:
            data = from_json(_unpack(payload) if payload_type == "j1c1" else payload, allow_inf_nan=False)
        except ValueError as error:
            raise Malformed(f"The message is not JSON: {error}.") from None
        if not isinstance(data, dict):
            raise Malformed("The message is JSON, but not an object.")
        uid = data.get("uid")
        known_uid = uid if isinstance(uid, str) and 0 < len(uid) <= LONGEST_NAME else None
        # Null stands for a missing key wherever a key may be missing.
        present = {key: value for key, value in data.items() if value is not None or key in _REQUIRED}
        if "val" not in data and data.get("val_t") != "null":
            raise Malformed("The message has no field val.", uid=known_uid)
        try:
            return cls.model_validate(present)
        except ValidationError as error:
            raise Malformed(_explain(error), uid=known_uid) from None

    def to_bytes(self, payload_type: PayloadType = "j1") -> bytes:
        """Write the message as it goes to the broker: JSON in UTF-8, gzipped for `j1c1`."""
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
        """The property `name`, or None if the message has none.

        Raises:
            InvalidValue: it is not text, as all properties are.
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
    """Unpack gzip, in as many members as there are, never holding more than `MAX_BYTES`."""
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
    return f"The field {name} cannot be read: {first['msg']}."
