"""The dump: its content, and the absence of secrets."""

import json
import sqlite3
import stat
import string
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge import __version__, runtime_settings
from bridge.account import capabilities
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.session import Memory, Session
from bridge.checkup.dump import VALUES_SHOWN, Dump, compose, write
from bridge.checkup.finding import Finding, Mark, fail, ok
from bridge.errors import ErrorCode
from bridge.settings import KEYS, Settings
from bridge.storage import recorder
from bridge.storage.schema import VERSION
from bridge.storage.storage import RESTARTS, Outcome, Storage
from tests.parsed import Parsed

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def dump(folder: Path, *findings: Finding, **sections: dict[str, object]) -> Dump:
    values = Settings.model_validate({"storage": {"path": folder / "bridge.db"}, **sections})
    return Dump(values, {"mqtt.host": str(folder / "bridge.toml")}, findings, NOW)


def test_the_dump_is_readable_by_its_owner_only_and_overwrites_no_file(tmp_path: Path) -> None:
    path = tmp_path / "dump.json"
    lines = write(path, dump(tmp_path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in lines[1]
    assert json.loads(path.read_text())["made_at"] == "2026-11-21T09:00:00+00:00"
    with pytest.raises(FileExistsError):
        write(path, dump(tmp_path))


def test_the_dump_has_the_versions_of_the_bridge_and_its_libraries(tmp_path: Path) -> None:
    versions: Parsed = compose(dump(tmp_path))["versions"]
    assert versions["bridge"] == __version__
    assert {"aiomqtt", "websockets", "pydantic", "structlog"} <= set(versions["libraries"])
    assert all(versions["libraries"].values())
    assert "hypothesis" not in versions["libraries"]  # a package that the service does not need


def test_the_dump_has_every_setting(tmp_path: Path) -> None:
    content: Parsed = compose(dump(tmp_path, mqtt={"host": "10.1.2.3", "port": 1884}, commands={"max_age": 60}))[
        "settings"
    ]
    assert set(content) == set(KEYS)
    assert content["mqtt.port"] == {"value": 1884}
    assert content["mqtt.host"] == {"value": "PRIVATE-ADDRESS", "from": "FOLDER-1/bridge.toml"}
    assert content["commands.max_age"] == {"value": 60}
    assert content["mqtt.client_id"] == {"value": "bluecurrent-fimp", "default": True}
    assert content["cloud.url"]["value"] == "wss://motown.bluecurrent.nl/haserver"


def test_the_dump_has_the_stored_charge_points_memories_and_values(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "bridge.db")
    storage.save_charge_point("BCU102728", ChargePointSettings(name="Driveway", model="U:MOVE16", is_cable=False))
    session = Session(number=3, seen_from=NOW, energy=4.2)
    storage.save_memories({"BCU102728": Memory(session=session, earlier_energy=100.0)}, NOW)
    storage.claim("1")
    storage.claim("2")
    storage.settle("2", Outcome("ERR_REJECTED", "Blue Current refused: card"))
    storage.save_value("restarts", 7)
    storage.close()
    content: Parsed = compose(dump(tmp_path))["storage"]
    assert content["version"] == VERSION
    assert content["bytes"]["file"] > 0
    assert content["rows"]["memory"] == 1
    assert content["charge_points"]["BCU000001"]["model"] == "U:MOVE16"
    memory = content["memory"]["BCU000001"]
    assert (memory["session"]["energy"], memory["earlier_energy"]) == (4.2, 100.0)
    assert content["values"] == {"restarts": 7}
    assert content["commands"] == {"done": 1, "ERR_REJECTED": 1}


def test_every_stored_value_of_the_service_is_known_to_the_dump() -> None:
    """A value with secrets (the login) is only named."""
    names = {
        capabilities.NAME,
        RESTARTS,
        runtime_settings.CONFIG,
        recorder.GRIDS,
    }
    assert names == VALUES_SHOWN


def test_a_table_of_another_version_is_counted_and_not_shown(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "bridge.db")
    storage.save_value("something_new", "a private matter")
    storage.close()
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection, connection:
        connection.execute("CREATE TABLE diary (entry TEXT)")
        connection.execute("INSERT INTO diary VALUES ('a private matter')")
    content: Parsed = compose(dump(tmp_path))
    assert content["storage"]["rows"]["diary"] == 1
    assert content["storage"]["values"] == {"something_new": "there"}
    assert "private matter" not in json.dumps(content)


def test_the_dump_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bridge.db").write_text("no database")
    assert compose(dump(tmp_path))["storage"] == {"problem": "file is not a database"}
    assert compose(dump(tmp_path / "none"))["storage"] == {"file": None}


def test_the_dump_names_a_file_of_another_program(tmp_path: Path) -> None:
    """Its tables may have the same names, and anything in them."""
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as connection, connection:
        for table in ("charge_point", "thing", "memory", "steering", "parameter", "value", "session", "command"):
            connection.execute(f"CREATE TABLE {table} (energy, content)")
            connection.execute(f"INSERT INTO {table} VALUES (x'00ff', '5')")
    content: Parsed = json.loads(json.dumps(compose(dump(tmp_path))))
    assert content["storage"]["rows"]["session"] == 1
    assert content["storage"]["latest_sessions"] == [{"energy": "2 bytes"}]
    assert content["storage"]["memory"] == {"": {"written_at": None}}


WORD = st.text(string.ascii_letters + string.digits + "-", min_size=3, max_size=12).map(lambda text: f"Q{text}Z")
"""A word that stands in no other: what is looked for must not be there by chance."""
WORDS = st.lists(WORD, min_size=16, max_size=16, unique=True).filter(
    lambda words: not any(one in other for one in words for other in words if one is not other)
)
NUMBERS = st.lists(st.integers(100000, 999999), min_size=2, max_size=2, unique=True)


@settings(max_examples=25)
@given(WORDS, NUMBERS, st.sampled_from(["ERR_REJECTED", "ERR_TIMEOUT"]))
def test_no_secret_is_in_the_dump(words: list[str], numbers: list[int], code: ErrorCode) -> None:
    (token, password, user, host, card, login, name, number, uid, company, prefix, client, fingerprint, folder, wish,
     text) = words  # fmt: skip
    first, second = (f"BCU{number}" for number in numbers)
    with TemporaryDirectory() as made:
        place = Path(made) / folder
        storage = Storage(place / "bridge.db")
        cards = Card(uid, number=number, name=company)
        storage.save_charge_point(
            first, ChargePointSettings(name=name, model="U:MOVE16", default_card=cards, plug_and_charge_card=cards)
        )
        memory = Memory(session=Session(number=1, seen_from=NOW))
        storage.save_memories({f"{first}/2": memory, f"{first}_2": memory}, NOW)
        storage.save_inclusion(first, {"address": first, "product_name": name, "device_id": first, "services": []})
        storage.save_inclusion(f"GRID{second}", {"address": f"GRID{second}", "product_name": f"Grid {second}"})
        storage.save_parameter(first, "session_card", card)
        storage.save_value("login", login)
        storage.save_value("logged_out", fingerprint)
        storage.save_value("config", {"card": wish, "slow_current": 8})
        storage.save_value("grids", {f"GRID-{second}": [first, second]})
        storage.claim(text)
        storage.settle(text, Outcome(code, f"Blue Current refused: {text}"))
        storage.close()
        content = dump(
            place,
            ok("broker", f"{host}.local:1884 accepts a login as {user}"),
            fail("cloud", f"no answer from wss://{host}.example/haserver for {first}"),
            Finding(Mark.OK, "charge point", f"{second}  {text}", private=(text,)),
            mqtt={
                "host": f"{host}.local",
                "username": user,
                "password": SecretStr(password),
                "client_id": client,
                "topic_prefix": prefix,
                "ca_file": place / "ca.pem",
            },
            cloud={"url": f"wss://{host}.example/haserver", "api_token": SecretStr(token)},
            charging={"card": card},
        )
        found = json.dumps(compose(content), ensure_ascii=False)
    for private in (*words, first, second, first[3:], second[3:]):
        assert private not in found, private
    assert "BCU00000" in found
    assert code in found
