"""Replacing personal data and secrets in frames, so that a recording can be given to a stranger.

The name of a field decides. A value under a personal name is replaced by a hash with a key of the recording. Equal
values get equal hashes, so answers still match their requests. Other fields that the bridge reads are kept. A text
under an unknown name is replaced, unless it is a time or a short number. In the text of a refusal, only what looks
personal or was replaced before is replaced. Numbers that the bridge reads stay numbers, so a replay gives the same
reports.
"""

import hmac
import re
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from typing import Final

from pydantic import JsonValue

from bridge.bluecurrent.bodies import AccountBody, Sustainability
from bridge.chargepoint.charge_point_settings import (
    APP_CARD,
    NO_CARD,
    Card,
    ChargePointSettings,
    Location,
    Tariff,
)
from bridge.chargepoint.cloud_fields import cloud_fields
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.status import Status

STAND_IN: Final = "redacted-"
_DIGITS: Final = 12

_SHORTEST_WORD: Final = 4
"""The shortest replaced value that is searched for in the text of refusals."""

_MOST_WORDS: Final = 5000


class Rule(Enum):
    """What happens to the value under a name."""

    KEEP = 1
    WORDS = 2  # a sentence, in which only what looks personal is replaced
    PERSONAL = 3
    CARD = 4  # an object with a card's fields, or the card's number
    COORDINATE = 5
    UNKNOWN = 6


def _names(*classes: type) -> frozenset[str]:
    """Return the names on the wire of all declared fields; a nested name counts as its parts."""
    declared = (one for cls in classes for one in cloud_fields(cls).values())
    full = (name for one in declared for name in (one.name, *one.also, one.opposite))
    return frozenset(part for name in full if name for part in name.split("."))


_PERSONAL: Final = frozenset(
    {
        "name", "chargepoint_name", "customer_name", "full_name", "email", "login", "username", "tel", "customer_id",
        "hubspot_user_identity", "uid", "token", "token_uid", "session_token", "password", "authorization", "location",
    }
) | (_names(Location) - {"x_coord", "y_coord"})  # fmt: skip

_SENTENCES: Final = frozenset({"error", "message", "setting", "result", "reason", "lost"})

_OF_CARDS: Final = frozenset({"id", "number"})
"""Names that are personal within a card, and not elsewhere: a grid connection has an `id`, too."""

_KEPT: Final = (
    _names(Status, ChargePointSettings, Card, Tariff, Grid, AccountBody, Sustainability)
    | {
        # Names of the protocol.
        "object", "command", "header", "flow_id", "evse_id", "socket_id", "permission", "success",
        # Names in requests, and in all forms of schedules.
        "days", "start_time", "end_time", "stop_time", "schedule_id", "chargepoints", "charge_points",
        "chargepoint_id", "overridestarttime", "overridestartdays", "overridestoptime", "overridestopdays",
        "override_start_time", "override_end_time", "override_start_days", "override_end_days", "days_of_week",
        "expected_departure_time",
        # Names in the memories of sockets, and attribute names of charge points.
        "model", "mode", "phase_mode", "phase_modes", "transaction", "created", "modified", "became_invalid",
        "version", "state_set", "recording", "code", "remembered",
    }
) - _PERSONAL - _OF_CARDS - _SENTENCES  # fmt: skip

_COORDINATE: Final = re.compile(r"coord|^lat(itude)?$|^lo?ng?(itude)?$|^geo", re.IGNORECASE)
_PERSONAL_NAME: Final = re.compile(
    r"token|passw|secret|auth|credential|mail|name|street|addr|zip|post(al)?_?code|city|town|house|country|locat|phone"
    r"|tel\b|mobile|rfid|uid|customer|owner|user|login|iban|contact|hubspot|driver|birth",
    re.IGNORECASE,
)
_CARD_NAME: Final = re.compile(r"card", re.IGNORECASE)

_HARMLESS: Final = re.compile(
    r"\s*|true|false|[+-]?\d{1,3}([.,]\d{1,3})?|BCU\d{3,}"  # a charge point
    r"|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
    r"|\d{4}-?\d{2}-?\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE,
)
_LARGEST_HARMLESS: Final = 1_000_000
"""A larger whole number under an unknown name may be the number of a telephone or a card."""

_MAIL: Final = re.compile(r"[\w.+%'-]+@[\w-]+(\.[\w-]+)*")
_LOOKS_PERSONAL: Final = re.compile(
    r"\b(?=[0-9A-Fa-f]*\d)[0-9A-Fa-f]{8,20}\b"  # the uid of a card
    r"|\b[A-Z]{2}-?[A-Z0-9]{3}-?C?[A-Z0-9]{4,12}(-[0-9X])?\b(?<![a-z])"  # the printed number of a card
    r"|\b\d{4} ?[A-Z]{2}\b"  # a postal code
    r"|\b(?=\w*\d)[\w-]{20,}\b"  # a token
)
_EVSE_ID: Final = re.compile(r"BCU\d{3,}", re.IGNORECASE)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z][a-z0-9_]*")
_NOBODY: Final = frozenset({APP_CARD, NO_CARD})


class FrameRedaction:
    """Replaces the personal values of one recording.

    Args:
        key: the key of the hashes. It must not be stored.
        secrets: values to replace in sentences from the beginning.
    """

    def __init__(self, key: bytes, secrets: Iterable[str] = ()) -> None:
        self._key = key
        self._words: dict[str, None] = {}
        self._finder: re.Pattern[str] | None = None
        self._hash: Callable[[str], str] = lru_cache(maxsize=10_000)(self._hashed)
        for secret in secrets:
            self._remember(secret)

    def redact(self, value: JsonValue) -> JsonValue:
        """Return a JSON value with all personal values replaced."""
        return self._value(value, Rule.UNKNOWN)

    def words(self, text: str) -> str:
        """Return a sentence in which what looks personal, or was replaced before, is replaced."""
        text = self._mails(text)
        if self._finder is None and self._words:
            known = sorted(self._words, key=len, reverse=True)
            self._finder = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)")
        if self._finder is not None:
            text = self._finder.sub(self._match, text)
        return _LOOKS_PERSONAL.sub(self._match, text)

    # --- by the field ---

    def _value(self, value: JsonValue, rule: Rule) -> JsonValue:
        match value:
            case None | bool():
                return value
            case dict():
                return self._object(value, rule)
            case list():
                return [self._value(entry, rule) for entry in value]
            case str():
                return self._text(value, rule)
            case _:
                return self._number(value, rule)

    def _object(self, value: dict[str, JsonValue], around: Rule) -> JsonValue:
        if value.get("object") == "CHARGE_CARDS":
            around = Rule.CARD
        is_card = around is Rule.CARD or "uid" in value
        return {
            name if _PLAIN_NAME.fullmatch(name) else self.words(name): self._value(
                entry, _within(around, name, is_card=is_card)
            )
            for name, entry in value.items()
        }

    def _text(self, text: str, rule: Rule) -> str:
        match rule:
            case Rule.KEEP:
                return self._mails(text)
            case Rule.WORDS:
                return self.words(text)
            case Rule.COORDINATE if (degrees := _degrees(text)) is not None:
                return str(self._coordinate(degrees))
            case Rule.UNKNOWN if _HARMLESS.fullmatch(text):
                return text
            case _:
                return self._stand_in(text)

    def _number(self, number: float, rule: Rule) -> JsonValue:
        if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - JSON has none of these
            return str(number)  # the bridge reads the text in the same way
        match rule:
            case Rule.PERSONAL | Rule.CARD:
                return self._stand_in(str(number))
            case Rule.COORDINATE if (degrees := _degrees(number)) is not None:
                return self._coordinate(degrees)
            case Rule.COORDINATE:
                return self._stand_in(str(number))  # not a possible coordinate, and neither is the replacement
            case Rule.UNKNOWN if isinstance(number, int) and abs(number) >= _LARGEST_HARMLESS:
                return self._stand_in(str(number))
            case _:
                return number

    # --- stand-ins ---

    def _stand_in(self, text: str) -> str:
        if not text.strip() or text.strip() in _NOBODY:
            return text
        scheme, blank, rest = text.partition(" ")
        if blank and scheme == "Token":
            return f"Token {self._stand_in(rest)}"
        self._remember(text)
        return self._hash(text)

    def _hashed(self, text: str) -> str:
        digest = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
        return STAND_IN + digest.hex()[:_DIGITS]

    def _coordinate(self, degrees: float) -> float:
        """Return a coordinate of another place; equal ones give equal ones."""
        digest = hmac.digest(self._key, repr(degrees).encode(), "sha256")
        return int.from_bytes(digest[:6]) % 160_000_000 / 1_000_000 - 80

    def _remember(self, text: str) -> None:
        word = text.strip()
        if len(word) < _SHORTEST_WORD or word in self._words or word in _NOBODY or _EVSE_ID.fullmatch(word):
            return
        self._words[word] = None
        self._finder = None
        if len(self._words) > _MOST_WORDS:
            del self._words[next(iter(self._words))]

    def _mails(self, text: str) -> str:
        return _MAIL.sub(self._match, text) if "@" in text else text

    def _match(self, match: re.Match[str]) -> str:
        word = match.group()
        return word if word.startswith(STAND_IN) or _EVSE_ID.fullmatch(word) else self._hash(word)


def _degrees(value: str | float) -> float | None:
    """Read a coordinate in degrees; None if it is not a possible one."""
    try:
        degrees = float(value)
    except (ValueError, OverflowError):
        return None
    return degrees if abs(degrees) <= 180 else None


@lru_cache(maxsize=10_000)
def _rule(name: str) -> Rule:
    lower = name.lower()
    if _COORDINATE.search(lower):
        return Rule.COORDINATE
    if lower in _PERSONAL:
        return Rule.PERSONAL
    if _CARD_NAME.search(lower) and lower != "linked_charge_cards_only":
        return Rule.CARD
    if lower in _KEPT or lower in _OF_CARDS:
        return Rule.KEEP
    if lower in _SENTENCES:
        return Rule.WORDS
    return Rule.PERSONAL if _PERSONAL_NAME.search(lower) else Rule.UNKNOWN


def _within(around: Rule, name: str, *, is_card: bool) -> Rule:
    """Return the rule for a name within an object that has the rule `around`."""
    if name == "value" and around is not Rule.CARD:
        return around  # the value of a setting has the rule of the setting
    rule = _rule(name)
    if around is Rule.PERSONAL:
        return rule if rule is Rule.COORDINATE or name == "permission" else Rule.PERSONAL
    if is_card and name in _OF_CARDS:
        return Rule.PERSONAL
    return Rule.CARD if around is Rule.CARD and rule is Rule.UNKNOWN else rule
