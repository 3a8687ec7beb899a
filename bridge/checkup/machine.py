"""Checks this machine: origins of the settings, the storage, time zones, the status page."""

import os
import shutil
import sqlite3
import stat
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from bridge.chargepoint.amsterdam import in_amsterdam
from bridge.checkup.finding import Finding, fail, note, ok
from bridge.checkup.web import Answer, get
from bridge.settings import Settings
from bridge.storage.database import newer, open_read_only
from bridge.storage.schema import VERSION, version_of

LEAST_FREE_BYTES: Final = 50 * 1024 * 1024
"""The file stays small, but a full disk stops the service too."""

_DAMAGED: Final = "The next start sets it aside and creates an empty one, unless you put a backup in its place."


def look_at_settings(origins: Mapping[str, str]) -> Finding:
    """Report where the settings came from, since a file that was not read is a common mistake."""
    places = Counter(
        "the environment" if origin.startswith("environment variable") else origin for origin in origins.values()
    )
    if not places:
        return note("settings", "none given: all are at their defaults, and there is no bridge.toml in this folder")
    return ok("settings", ", ".join(f"{count} from {place}" for place, count in places.items()))


def look_at_storage(path: Path) -> list[Finding]:
    """Check the database file and its folder."""
    what = "storage"
    folder = path.absolute().parent
    version = 0
    try:
        problem = _folder_problem(folder) or _file_problem(path)
        if problem is None and path.exists():
            version, problem = _content(path)
        free = shutil.disk_usage(_nearest(folder)).free
    except OSError as error:
        return [fail(what, f"{path} cannot be checked: {error.strerror}. Correct storage.path.")]
    if problem is not None:
        return [fail(what, problem)]
    findings = []
    if free < LEAST_FREE_BYTES:
        findings.append(fail("disk", f"only {_mebibytes(free)} are free on the disk of {path}. Free some space."))
    if not path.exists():
        return [*findings, ok(what, f"{path} will be created at the first start; {_mebibytes(free)} free")]
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        findings.append(note(what, f"others on this machine may read {path}: chmod 600 {path}"))
    size = sum(part.stat().st_size for part in files_of(path))
    upgrade = "" if version == VERSION else f", upgraded to {VERSION} at the next start"
    return [*findings, ok(what, f"{path}, {_mebibytes(size)}, version {version}{upgrade}; {_mebibytes(free)} free")]


def look_at_recording(path: Path | None) -> list[Finding]:
    """Check the file of `cloud.record_file`; no finding while none is set."""
    if path is None:
        return []
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        return [
            fail("recording", f"{path} cannot be written by this user (uid {os.getuid()}). Correct cloud.record_file.")
        ]
    return [note("recording", f"frames are recorded into {path}. Unset cloud.record_file when you have what you need.")]


def files_of(path: Path) -> list[Path]:
    """Return the database file, and the files that SQLite keeps beside it while it is open."""
    return [part for part in (path, Path(f"{path}-wal"), Path(f"{path}-shm")) if part.exists()]


def _nearest(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _folder_problem(folder: Path) -> str | None:
    nearest = _nearest(folder)
    if not nearest.is_dir():
        return f"{folder} cannot be created: {nearest} is not a folder. Correct storage.path."
    if not os.access(nearest, os.W_OK | os.X_OK):
        return (
            f"{nearest} cannot be written by this user ({_user()}). Make it the owner (chown), "
            "or set storage.path to a place of its own."
        )
    return None


def _file_problem(path: Path) -> str | None:
    if path.exists() and not path.is_file():
        return f"{path} is not a file. Correct storage.path."
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return f"{path} cannot be read and written by this user ({_user()}). Make it the owner (chown)."
    return None


def _content(path: Path) -> tuple[int, str | None]:
    """Return the schema version of the file, 0 for an empty one, and its fault."""
    if path.stat().st_size == 0:
        return 0, None
    try:
        with closing(open_read_only(path)) as connection:
            version = version_of(connection)
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return 0, f"{path} cannot be read ({error}). {_DAMAGED}"
    if verdict != "ok":
        return version, f"{path} is damaged ({verdict}). {_DAMAGED}"
    return version, newer(path, version) if version > VERSION else None


def _user() -> str:
    return f"uid {os.getuid()}"


def _mebibytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.1f} MiB" if size < 1024**3 else f"{size / 1024**3:,.0f} GiB"


def look_at_time_zone(now: datetime) -> Finding:
    """Check the time zone data: Blue Current's times are in Amsterdam time."""
    there = in_amsterdam(now).isoformat(timespec="minutes")
    return ok("time zone", f"the data is installed; in Amsterdam it is {there.partition('T')[2]}")


async def look_at_page(settings: Settings) -> Finding:
    """Check that the status page answers, and whether the service is ready."""
    what = "status page"
    address = settings.http.from_here
    if address is None:
        return note(what, "off: http.listen is empty")
    where = f"http://{settings.http.listen}/"
    try:
        answer = await get(*address, "/readyz")
    except OSError:
        return note(what, f"nothing answers on {where}: the service is not running here, or listens elsewhere")
    except ValueError:
        answer = None
    match answer:
        case Answer(status=200):
            return ok(what, f"{where} answers, and the service is ready")
        case Answer(status=503, body=body):
            return fail(what, f"{where} answers: the service is not ready: {' '.join(body.split())[:200]}")
        case _:
            return fail(what, f"another program answers on {where}. Set http.listen to a free port.")
