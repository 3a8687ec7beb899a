"""The checks of this machine."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.checkup.finding import Finding, Mark
from bridge.checkup.machine import look_at_page, look_at_recording, look_at_settings, look_at_storage, look_at_time_zone
from bridge.commandline.embedded_broker import free_port
from bridge.settings import HttpSettings, Settings
from bridge.storage.schema import VERSION
from bridge.storage.storage import Storage


def last(findings: list[Finding]) -> tuple[Mark, str]:
    return findings[-1].mark, findings[-1].says


# --- settings ---


def test_the_origins_of_the_settings_are_counted() -> None:
    origins = {
        "mqtt.host": "bridge.toml",
        "mqtt.port": "bridge.toml",
        "cloud.url": "environment variable BRIDGE_CLOUD__URL",
        "log.level": "environment variable BRIDGE_LOG__LEVEL",
        "mqtt.password": "/run/secrets/bridge_mqtt__password",
    }
    says = "2 from bridge.toml, 2 from the environment, 1 from /run/secrets/bridge_mqtt__password"
    assert look_at_settings(origins) == Finding(Mark.OK, "settings", says)
    assert look_at_settings({}).mark is Mark.NOTE


def test_the_file_of_the_recording_is_checked(tmp_path: Path) -> None:
    assert look_at_recording(None) == []
    (found,) = look_at_recording(tmp_path / "frames.jsonl")
    assert found.mark is Mark.NOTE
    (found,) = look_at_recording(tmp_path / "nowhere" / "frames.jsonl")
    assert found.mark is Mark.FAIL
    assert f"(uid {os.getuid()}). Correct cloud.record_file." in found.says
    (found,) = look_at_recording(tmp_path)
    assert found.mark is Mark.FAIL


# --- storage ---


def test_a_missing_file_will_be_created_at_the_first_start(tmp_path: Path) -> None:
    for path in (tmp_path / "bridge.db", tmp_path / "a" / "b" / "bridge.db"):
        mark, says = last(look_at_storage(path))
        assert mark is Mark.OK
        assert says.startswith(f"{path} will be created at the first start; ")
        assert not path.parent.joinpath("a").exists()  # the check creates nothing


def test_a_usable_file_is_ok(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    Storage(path).close()
    (finding,) = look_at_storage(path)
    assert finding.mark is Mark.OK
    assert f"version {VERSION};" in finding.says


def test_a_file_of_an_older_version_is_ok(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE value (name TEXT)")
        connection.execute("PRAGMA user_version = 1")
    mark, says = last(look_at_storage(path))
    assert mark is Mark.OK
    assert f"version 1, upgraded to {VERSION} at the next start;" in says


def test_a_file_of_the_running_service_is_ok(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    storage = Storage(path)
    assert [finding.mark for finding in look_at_storage(path)] == [Mark.OK]
    storage.close()


def test_a_file_in_place_of_the_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for path in (tmp_path / "data" / "bridge.db", tmp_path / "data" / "deeper" / "bridge.db"):
        mark, says = last(look_at_storage(path))
        assert mark is Mark.FAIL
        assert f"{tmp_path / 'data'} is not a folder" in says


def test_a_folder_in_place_of_the_file_is_found(tmp_path: Path) -> None:
    assert last(look_at_storage(tmp_path)) == (Mark.FAIL, f"{tmp_path} is not a file. Correct storage.path.")


def test_a_read_only_folder_is_found(unprivileged: Path) -> None:
    unprivileged.chmod(0o500)
    for path in (unprivileged / "bridge.db", unprivileged / "deeper" / "bridge.db"):
        mark, says = last(look_at_storage(path))
        assert mark is Mark.FAIL
        assert f"{unprivileged} cannot be written by this user (uid {os.getuid()})" in says


def test_an_unreadable_file_is_found(unprivileged: Path) -> None:
    path = unprivileged / "bridge.db"
    Storage(path).close()
    path.chmod(0o000)
    assert "cannot be read and written by this user" in last(look_at_storage(path))[1]


@pytest.mark.parametrize(("may", "what"), [(os.W_OK, "cannot be written"), (os.R_OK, "cannot be read")])
def test_a_missing_permission_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may: int, what: str) -> None:
    """The same for root, which has every permission, with a simulated answer of the system."""
    path = tmp_path / "bridge.db"
    Storage(path).close()
    refused = tmp_path if may == os.W_OK else path
    monkeypatch.setattr(os, "access", lambda asked, mode: Path(asked) != refused or not mode & may)
    mark, says = last(look_at_storage(path))
    assert mark is Mark.FAIL
    assert f"{refused} {what}" in says


def test_a_file_that_is_no_database_is_found(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    path.write_text("This is a letter to my aunt, and no database at all. " * 20)
    mark, says = last(look_at_storage(path))
    assert mark is Mark.FAIL
    assert "file is not a database" in says
    assert "backup" in says


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    Storage(path).close()
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)
    mark, says = last(look_at_storage(path))
    assert mark is Mark.FAIL
    assert "backup" in says


def test_a_file_of_a_newer_version_is_found(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    Storage(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    mark, says = last(look_at_storage(path))
    assert mark is Mark.FAIL
    assert f"newer version of the bridge (storage version {VERSION + 1}; this one knows {VERSION})" in says


def test_a_file_that_others_may_read_is_found(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    Storage(path).close()
    path.chmod(0o644)
    finding, well = look_at_storage(path)
    assert (finding.mark, well.mark) == (Mark.NOTE, Mark.OK)
    assert f"chmod 600 {path}" in finding.says


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1024**2))
    finding, _ = look_at_storage(tmp_path / "bridge.db")
    assert (finding.mark, finding.what) == (Mark.FAIL, "disk")
    assert finding.says.startswith("only 1.0 MiB are free")


# --- time zone ---


@pytest.mark.parametrize(("month", "there"), [(1, "13:00+01:00"), (7, "14:00+02:00")])
def test_the_time_in_amsterdam_is_shown(month: int, there: str) -> None:
    finding = look_at_time_zone(datetime(2026, month, 1, 12, 0, tzinfo=UTC))
    assert finding == Finding(Mark.OK, "time zone", f"the data is installed; in Amsterdam it is {there}")


# --- status page ---


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Settings]:
    """A server with one fixed answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield Settings(http=HttpSettings(listen=f"0.0.0.0:{port}"))


@pytest.mark.parametrize(
    ("answer", "mark", "says"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nready", Mark.OK, "the service is ready"),
        (b"HTTP/1.1 503 No\r\n\r\n{cloud: down}", Mark.FAIL, "the service is not ready: {cloud: down}"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Mark.FAIL, "another program answers"),
        (b"220 mail.example ESMTP\r\n", Mark.FAIL, "another program answers"),
        (b"", Mark.FAIL, "another program answers"),
        (b"\xff\xff\xff", Mark.FAIL, "another program answers"),
    ],
)
async def test_the_answer_on_the_port_of_the_page_is_checked(answer: bytes, mark: Mark, says: str) -> None:
    async with answering(answer) as settings:
        finding = await look_at_page(settings)
    assert finding.mark is mark
    assert says in finding.says


async def test_a_page_that_is_off_or_not_running_is_noted() -> None:
    assert (await look_at_page(Settings(http=HttpSettings(listen="")))).says == "off: http.listen is empty"
    finding = await look_at_page(Settings(http=HttpSettings(listen=f"127.0.0.1:{free_port()}")))
    assert finding.mark is Mark.NOTE
    assert "the service is not running here" in finding.says
