"""Replaces secrets and personal data in a dump by stand-ins."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from bridge.chargepoint.charge_point_settings import APP_CARD, NO_CARD

SECRET: Final = "***"  # noqa: S105 - the replacement of a secret, not a secret

_EVSE: Final = re.compile(r"BCU\d{3,}")
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_IPV6: Final = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{3,}(?![\w:])")
_HOME: Final = re.compile(r"(/home/|/Users/)[^/\s\"',]+")

# Values under these names are personal data, or cards that open a charge point.
_NAMED: Final[Mapping[str, str]] = {
    "name": "NAME",
    "alias": "NAME",
    "product_name": "NAME",
    "customer_name": "NAME",
    "number": "CARD",
    "uid": "CARD",
    "card": "CARD",
    "session_card": "CARD",
    "plug_and_charge_card": "CARD",
}
_PLACES: Final = frozenset({"x_coord", "y_coord", "street", "housenumber", "zipcode", "city", "country"})
"""Values of these fields are replaced only in place: a house number, for example, is also a part of other texts."""

_SECRET_NAMES: Final = ("token", "password", "secret", "authorization", "login")
_NOBODY: Final = frozenset({"", APP_CARD, NO_CARD})
_ANYWHERE: Final = (SECRET, "BCU", "GRID", "CARD", "FOLDER")
"""Words with these stand-ins are also replaced inside other words."""

_COMMON_FOLDERS: Final = frozenset({"/", "/data", "/etc", "/run/secrets", "."})


class Redaction:
    """Replaces words by stand-ins. The same word always has the same stand-in."""

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hide(self, word: str | None, kind: str) -> str:
        """Replace a word from now on. Return its stand-in. `kind` is `NAME`, `CARD`, … or `SECRET`."""
        word = (word or "").strip()
        if word in _NOBODY:
            return word
        if word not in self._stand_ins:
            if kind == SECRET:
                self._stand_ins[word] = SECRET
            else:
                self._counts[kind] = self._counts.get(kind, 0) + 1
                number = self._counts[kind]
                self._stand_ins[word] = f"{kind}{number:06}" if kind in {"BCU", "GRID"} else f"{kind}-{number}"
        return self._stand_ins[word]

    def put(self, word: str, stand_in: str) -> None:
        """Replace a word by a given stand-in from now on."""
        if word and word != stand_in:
            self._stand_ins[word] = stand_in

    def hide_folder(self, path: Path) -> None:
        """Replace the folder of an absolute path from now on."""
        folder = str(path.parent)
        if path.is_absolute() and folder not in _COMMON_FOLDERS:
            self.hide(folder, "FOLDER")

    def hide_evse_ids(self, texts: Iterable[str]) -> None:
        """Replace all evse_ids in these texts from now on, numbered in order."""
        for evse_id in sorted({found for text in texts for found in _EVSE.findall(text)}):
            self.hide(evse_id, "BCU")

    def text(self, text: str) -> str:
        """`text` with known words, IP addresses, e-mail addresses and home folders replaced."""
        self.hide_evse_ids([text])
        for word in sorted(self._stand_ins, key=len, reverse=True):
            stand_in = self._stand_ins[word]
            if stand_in.startswith(_ANYWHERE):
                text = text.replace(word, stand_in)
            else:  # only as a whole word: `mqtt` is also a part of `mqtt.host`
                text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w|\.\w)", stand_in, text, flags=re.IGNORECASE)
        text = _HOME.sub(r"\1USER", text)
        text = _MAIL.sub("MAIL", text)
        return _IPV6.sub(_address, _IPV4.sub(_address, text))

    def json(self, value: JsonValue, name: str = "") -> JsonValue:
        """`value` with all its text, names of fields included, redacted."""
        lower = name.lower()
        if value not in (None, True, False) and any(word in lower for word in _SECRET_NAMES):
            return SECRET
        if lower in _PLACES and value is not None:
            return SECRET
        if isinstance(value, dict):
            return {self.text(str(key)): self.json(item, str(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.json(item, name) for item in value]
        if not isinstance(value, str):
            return value
        kind = _NAMED.get(lower)
        return self.hide(value, kind) if kind is not None else self.text(value)


def host_stand_in(host: str) -> str:
    """Return the stand-in of a host. It keeps whether the host is this machine, local or remote."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        known = host in {"localhost", "motown.bluecurrent.nl"}
        return host if known else "HOST" + (".local" if host.endswith(".local") else "")
    return address_stand_in(host)


def address_stand_in(text: str) -> str:
    """Return the stand-in of an address; other text is returned as it is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.is_loopback or address.is_unspecified:
        return text
    return "PRIVATE-ADDRESS" if address.is_private else "ADDRESS"


def _address(match: re.Match[str]) -> str:
    return address_stand_in(match.group())
