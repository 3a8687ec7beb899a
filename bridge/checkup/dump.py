"""`check --redacted-dump FILE`: writes a file for a bug report without secrets and personal data."""

import json
import os
import platform
import re
import sqlite3
import ssl
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, JsonValue, SecretStr

from bridge import __version__
from bridge.checkup.finding import Finding
from bridge.checkup.machine import files_of
from bridge.checkup.redaction import SECRET, Redaction, host_stand_in
from bridge.settings import Settings
from bridge.storage.database import open_read_only
from bridge.storage.schema import version_of

DISTRIBUTION: Final = "bluecurrent-fimp-bridge"

_SHOWN: Final = frozenset({"fimp.state_set", "http.listen", "log.level", "log.format"})
"""Text settings whose value is not personal data. The values of other text settings are redacted."""

VALUES_SHOWN: Final = frozenset({"capabilities", "restarts", "config", "grids"})
"""Stored values whose content is not personal data. Of other values the dump only shows that they exist."""

_SESSIONS: Final = 20
_SESSION_SHOWN: Final = frozenset(
    {"address", "number", "started_at", "ended_at", "times_given", "energy", "peak_power", "average_power", "mode"}
)


@dataclass(frozen=True, slots=True)
class Dump:
    """The input of the file.

    Attributes:
        settings: all settings.
        origins: where each key that was given came from.
        findings: what `check` has found.
        now: the time.
    """

    settings: Settings
    origins: Mapping[str, str]
    findings: Sequence[Finding]
    now: datetime


def write(path: Path, dump: Dump) -> list[str]:
    """Write the file, readable by its owner only. Return lines for the user.

    Raises:
        OSError: the file cannot be written, or exists already.
    """
    content = compose(dump)
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return [
        "",
        f"{path} is written, {len(text.encode()) / 1024:.0f} KiB, readable by you only. In it:",
        "  versions; the settings; the findings above; what is stored of charge points, with times and energy of their",
        "  latest sessions; the number of refused commands.",
        "Removed: tokens, passwords, user names, hosts, addresses, folders, charge cards, names. Charge points are",
        "numbered. Read the file before you send it.",
    ]


def compose(dump: Dump) -> dict[str, JsonValue]:
    """Return the content of the file."""
    redaction = Redaction()
    _learn_settings(redaction, dump.settings)
    for origin in dump.origins.values():
        redaction.hide_folder(Path(origin))
    stored = _Stored(dump.settings.storage.path)
    redaction.hide_evse_ids(stored.texts())
    for word in stored.grid_ids():
        redaction.hide(word, "GRID")
    for finding in dump.findings:
        for word in finding.private:
            redaction.hide(word, "NAME")
    # The storage comes first: its names and cards are replaced in everything after it.
    storage = stored.redacted(redaction)
    return {
        "made_at": dump.now.isoformat(timespec="seconds"),
        "versions": versions(),
        "settings": _settings(redaction, dump),
        "check": [
            {"mark": str(finding.mark), "what": finding.what, "says": redaction.text(finding.says)}
            for finding in dump.findings
        ],
        "storage": storage,
    }


# --- settings ---


def _each(settings: Settings) -> list[tuple[str, object, object]]:
    """Key, value and default of every setting."""
    return [
        (f"{section}.{name}", getattr(values, name), field.get_default(call_default_factory=True))
        for section in type(settings).model_fields
        if isinstance(values := getattr(settings, section), BaseModel)
        for name, field in type(values).model_fields.items()
    ]


def _learn_settings(redaction: Redaction, settings: Settings) -> None:
    for key, value, default in _each(settings):
        if isinstance(value, SecretStr):
            redaction.hide(value.get_secret_value(), SECRET)
        elif isinstance(value, Path):
            redaction.hide_folder(value)
        elif isinstance(value, str):
            _learn_text(redaction, key, value, is_default=value == default)


def _learn_text(redaction: Redaction, key: str, text: str, *, is_default: bool) -> None:
    match key:
        case "charging.card":
            redaction.hide(text, "CARD")
        case "mqtt.username":
            redaction.hide(text, "USER")
        case "mqtt.host":
            redaction.put(text, host_stand_in(text))
        case "cloud.url":
            host = urlsplit(text).hostname or ""
            redaction.put(host, host_stand_in(host))
        case _ if key not in _SHOWN and not is_default:
            redaction.hide(text, "TEXT")


def _settings(redaction: Redaction, dump: Dump) -> dict[str, JsonValue]:
    content: dict[str, JsonValue] = {}
    for key, value, default in _each(dump.settings):
        entry: dict[str, JsonValue] = {"value": _setting(redaction, value)}
        if value == default:
            entry["default"] = True
        if key in dump.origins:
            entry["from"] = redaction.text(dump.origins[key])
        content[key] = entry
    return content


def _setting(redaction: Redaction, value: object) -> JsonValue:
    if isinstance(value, SecretStr):
        return SECRET
    return value if isinstance(value, int | float | None) else redaction.text(str(value))


# --- versions ---


def versions() -> dict[str, JsonValue]:
    """Return versions of the bridge, its libraries and the system."""
    return {
        "bridge": __version__,
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "distribution": _distribution(),
        "sqlite": sqlite3.sqlite_version,
        "openssl": ssl.OPENSSL_VERSION,
        "libraries": {name: _version(name) for name in _requirements()},
    }


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _requirements() -> list[str]:
    try:
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    names = [re.split(r"[\s<>=!~\[;]", text, maxsplit=1)[0] for text in required if "extra ==" not in text]
    return sorted(set(names))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


# --- storage ---


_Row = Mapping[str, JsonValue]
"""A row of a table as the file has it, of any version or of another program: values by column."""


class _Stored:
    """The content of the database file, by table. The file is not changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem: str | None = None
        self.version: int | None = None
        self._tables: dict[str, list[_Row]] = {}
        if not path.is_file():
            return
        try:
            with closing(open_read_only(path)) as connection:
                connection.row_factory = sqlite3.Row
                self.version = version_of(connection)
                names = [
                    row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                ]
                for name in names:
                    rows = connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - a name that stands in the file
                    self._tables[name] = [{column: _shown(cell) for column, cell in dict(row).items()} for row in rows]
        except sqlite3.Error as error:
            self.problem = str(error)

    def rows(self, table: str) -> list[_Row]:
        """Return the rows of a table; empty if it does not exist."""
        return self._tables.get(table, [])

    def texts(self) -> list[str]:
        """Return all texts that may contain an evse_id."""
        return [str(value) for rows in self._tables.values() for row in rows for value in row.values()]

    def grid_ids(self) -> list[str]:
        """Return the ids of grid connections, as in the cloud and as in topics."""
        stored = next((_parsed(row, "content") for row in self.rows("value") if row.get("name") == "grids"), None)
        ids = list(stored) if isinstance(stored, dict) else []
        own = [text for text in ids if not re.search(r"BCU\d{3,}", text)]
        return [*own, *(short for text in own if (short := re.sub(r"[^0-9A-Za-z]", "", text)) != text)]

    def redacted(self, redaction: Redaction) -> dict[str, JsonValue]:
        """Return the redacted content of the tables of this version, and the number of rows of all tables."""
        if self.problem is not None:
            return {"problem": redaction.text(self.problem)}
        if self.version is None:
            return {"file": None}
        charge_points = {
            _text(row, "evse_id"): redaction.json(_parsed(row, "description")) for row in self.rows("charge_point")
        }
        things: dict[str, JsonValue] = {
            _text(row, "address"): {
                "excluded": bool(row.get("excluded")),
                "inclusion": redaction.json(_parsed(row, "inclusion")),
            }
            for row in self.rows("thing")
        }
        memories: dict[str, JsonValue] = {
            _socket(row): {
                "written_at": row.get("written_at"),
                **_fields(redaction.json(_parsed(row, "content"))),
            }
            for row in self.rows("memory")
        }
        parameters: dict[str, dict[str, JsonValue]] = {}
        for row in self.rows("parameter"):
            name = _text(row, "name")
            parameters.setdefault(_text(row, "evse_id"), {})[name] = redaction.json(_parsed(row, "content"), name)
        values: dict[str, JsonValue] = {
            name: redaction.json(_parsed(row, "content")) if name in VALUES_SHOWN else "there"
            for row in self.rows("value")
            for name in (_text(row, "name"),)
        }
        steering = {_socket(row): redaction.json(_parsed(row, "content")) for row in self.rows("steering")}
        latest = sorted(self.rows("session"), key=lambda row: _text(row, "started_at"))[-_SESSIONS:]
        sessions: list[JsonValue] = [
            {name: redaction.json(row[name], name) for name in row if name in _SESSION_SHOWN} for row in latest
        ]
        codes = Counter(_text(row, "code") or "done" for row in self.rows("command"))
        return {
            "version": self.version,
            "bytes": {
                part.name.removeprefix(self._path.name) or "file": part.stat().st_size for part in files_of(self._path)
            },
            "rows": {name: len(rows) for name, rows in sorted(self._tables.items())},
            "charge_points": _renamed(redaction, charge_points),
            "things": _renamed(redaction, things),
            "memory": _renamed(redaction, memories),
            "parameters": _renamed(redaction, parameters),
            "steering": _renamed(redaction, steering),
            "latest_sessions": sessions,
            "values": values,
            "commands": dict(codes),
        }


def _renamed(redaction: Redaction, content: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {redaction.text(name): value for name, value in content.items()}


def _shown(cell: object) -> JsonValue:
    """Return a value of a table, of which SQLite has five kinds; bytes are told by their number."""
    if isinstance(cell, bytes):
        return f"{len(cell)} bytes"
    return cell if isinstance(cell, str | int | float) else None


def _text(row: _Row, column: str) -> str:
    return str(row.get(column) or "")


def _socket(row: _Row) -> str:
    """Return the identity of a socket; before version 3 its address."""
    return _text(row, "identity") or _text(row, "address")


def _parsed(row: _Row, column: str) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(_text(row, column))
    except ValueError:
        return None
    return parsed


def _fields(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}
