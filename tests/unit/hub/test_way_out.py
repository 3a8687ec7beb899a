"""Every published message is valid FIMP on a valid topic, for any input from cloud and hub."""

import asyncio
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.bluecurrent.frames import BadFrame, ChargePoints, parse_frame
from bridge.bluecurrent.protocol import LinkState, LinkStatus
from bridge.bluecurrent.values import MOST_ENTRIES
from bridge.chargepoint.charge_point import MOST_SOCKETS
from bridge.errors import Rejected
from bridge.fimp.report import error_report
from bridge.fimp.topic import Topic
from bridge.hub.line import Publication
from bridge.logs import Log
from bridge.settings import CloudSettings, FimpSettings, HttpSettings, Settings, StorageSettings
from bridge.wiring import Parts, build
from bridge.world import World
from tests.clock import FakeClock, settle
from tests.way_out import faults, topic_faults

ADAPTER = "pt:j1/mt:cmd/rt:ad/rn:bluecurrent/ad:1"


@dataclass
class Room:
    """A bridge without sockets: frames and commands go in, publications come out."""

    parts: Parts
    clock: FakeClock
    log: io.StringIO
    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last inclusion report of each thing that is there."""

    def frame(self, content: object) -> None:
        """Receive a frame from the cloud."""
        text = content if isinstance(content, str) else json.dumps(content)
        try:
            frame = parse_frame(text)
        except BadFrame:
            return
        self.parts.sync.frame_received(frame)
        for evse_id in self.parts.fleet.evse_ids():
            self.parts.fleet.completed(evse_id)

    def listed(self, points: list[dict[str, Any]]) -> None:
        """The cloud answers CHARGE_POINTS."""
        frame = parse_frame(json.dumps({"object": "CHARGE_POINTS", "data": points}))
        assert isinstance(frame.body, ChargePoints)
        self.parts.fleet.listed(frame.body.listed)
        for evse_id in self.parts.fleet.evse_ids():
            self.parts.fleet.completed(evse_id)
        self.parts.reporter.connected(self.parts.things.will_addresses(), renewed=False)

    def drain(self) -> list[Publication]:
        """Publish everything to a broker that accepts every message."""
        taken: list[Publication] = []
        reporter = self.parts.reporter
        reporter.connected(self.parts.things.will_addresses(), renewed=True)
        while True:
            publication = reporter.take()
            if publication is None:
                return taken
            assert isinstance(publication, Publication), publication
            found = faults(publication.path, publication.payload)
            assert not found, found
            reporter.acknowledged(publication)
            self._note(publication)
            taken.append(publication)

    def _note(self, publication: Publication) -> None:
        report = publication.report
        if report.type == "evt.thing.inclusion_report":
            assert isinstance(report.value, dict)
            self.described[report.about] = report.value
        elif report.type == "evt.thing.exclusion_report":
            self.described.pop(report.about, None)

    def faults(self) -> list[dict[str, Any]]:
        """The log lines that report a fault of the bridge itself."""
        lines = [json.loads(line) for line in self.log.getvalue().split("\n") if line]
        return [line for line in lines if line["level"] in ("error", "critical") or "exception" in line]


def room(*, prefix: str = "", state_set: str = "extended") -> Room:
    """A bridge whose link and broker are up."""
    clock, stream = FakeClock(), io.StringIO()
    own = Settings(
        cloud=CloudSettings(api_token=SecretStr("simulated-api-token")),
        fimp=FimpSettings(state_set=state_set),
        storage=StorageSettings(path=Path(":memory:")),
        http=HttpSettings(listen=""),
        mqtt={"topic_prefix": prefix},
    )
    parts = build(own, Log("debug", "json", stream), World(clock))
    parts.link.status = LinkStatus(LinkState.UP, clock.now())
    parts.sync.first_look.set()
    return Room(parts, clock, stream)


async def end(made: Room) -> None:
    """Leave nothing behind."""
    await made.parts.tasks.end()
    made.parts.storage.close()


# --- input from the cloud ---

ODD_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
ODD_NUMBERS = st.sampled_from(
    [0, -0.0, -0.5, 1e-320, 5.97, 6, 31.9, 32, 199.9, 1e6, 1e9, -1e9, 1e308, 10**400, 2**63, float("nan"), float("inf")]
)
NUMBERS = ODD_NUMBERS | st.floats() | st.integers() | st.floats(0, 40)
IDS = st.sampled_from(
    [
        "BCU1", "BCU2", "BCU1_2", "BCU+1", "BCU#1", "BCU/1", "BCU 1", "", "network", "goodbye", "GRIDBCU1", "\ud83d",
        "\u202eBCU", "\uffff", "\ufdd0", "BCU\x00", "BCU\x9f", "é" * 40, "N" * 5_000, "pt:j1", ".", "1", "null",
    ]
) | ODD_TEXT  # fmt: skip
NAMES = st.sampled_from(["Home", " - ", "A - B - C", "\n", "x" * 5_000, "\u202e", "😀"]) | ODD_TEXT
TIMES = st.sampled_from(["20261120 12:00:00", "00010101 00:00:00", "99991231 23:59:59", "", "20261120 11:59:59+14:00"])
JUNK: st.SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | ODD_TEXT | st.just([]) | st.just({})
PERMISSION = st.sampled_from(["none", "read", "write", "admin"])
SETTING = st.booleans() | st.fixed_dictionaries({"value": st.booleans() | JUNK, "permission": PERMISSION}) | JUNK
CARD = st.fixed_dictionaries({"uid": IDS, "id": IDS, "name": NAMES, "customer_name": NAMES}) | JUNK

STATUS = st.fixed_dictionaries(
    {},
    optional={
        "activity": st.sampled_from(["available", "charging", "delayed", "offline", "error", "unavailable"]) | ODD_TEXT,
        "vehicle_status": st.sampled_from(["A", "B", "C", "D", "E", "F", "X"]) | JUNK,
        **dict.fromkeys(["actual_p1", "actual_p2", "actual_p3", "actual_v1", "actual_v2", "actual_v3"], NUMBERS | JUNK),
        **dict.fromkeys(["actual_kwh", "max_usage", "smartcharging_max_usage", "max_offline"], NUMBERS | JUNK),
        **dict.fromkeys(["total_cost", "smart_current_heartbeat_timeout"], NUMBERS | JUNK),
        **dict.fromkeys(["start_datetime", "stop_datetime", "offline_since"], TIMES | JUNK),
        "socket_id": st.integers(-3, 5) | NUMBERS | JUNK,
        "boosting": st.booleans() | JUNK,
    },
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES | JUNK,
        "model_type": NAMES | JUNK,
        "chargepoint_type": st.just("UMOVE") | NAMES | JUNK,
        "is_cable": st.booleans() | JUNK,
        "socket_ids": st.lists(st.integers(-2, 4), max_size=4) | JUNK,
        "default_card": CARD,
        "plug_and_charge_card": CARD,
        "delayed_charging": SETTING
        | st.fixed_dictionaries(
            {"value": st.booleans(), "permission": PERMISSION},
            optional={"start_time": st.just("23:00") | JUNK, "end_time": st.just("24:00") | JUNK,
                      "selected_days": st.just([1, 7]) | JUNK},
        ),
        "tariff": st.fixed_dictionaries({"currency": NAMES, "tariff_id": IDS}) | JUNK,
        **dict.fromkeys(
            ["plug_and_charge", "public_charging", "price_based_charging", "led_intensity", "led_interaction",
             "publish_location", "capacity_tariff", "plug_and_charge_notification", "smart_charging"],
            SETTING | NUMBERS,
        ),
    },
)  # fmt: skip
GRID_VALUES = st.fixed_dictionaries(
    {"id": IDS}, optional=dict.fromkeys(["grid_actual_p1", "grid_actual_p2", "grid_actual_p3"], NUMBERS | JUNK)
)
FRAMES = st.one_of(
    st.fixed_dictionaries({"object": st.just("CH_STATUS"), "evse_id": IDS, "data": STATUS}),
    st.fixed_dictionaries({"object": st.just("CH_STATUS"), "items": st.lists(STATUS, max_size=3)}),
    st.fixed_dictionaries({"object": st.just("CH_SETTINGS"), "evse_id": IDS, "data": SETTINGS}),
    st.fixed_dictionaries({"object": st.just("GRID_STATUS"), "evse_id": IDS, "data": GRID_VALUES}),
    st.fixed_dictionaries({"object": st.just("GRID_CURRENT"), "evse_id": IDS, "grid_actual_p1": NUMBERS}),
    st.fixed_dictionaries({"object": st.just("CHARGE_CARDS"), "cards": st.lists(CARD, max_size=3)}),
    st.fixed_dictionaries(
        {"object": st.just("STATUS_SET_DELAYED_CHARGING"), "evse_id": IDS, "success": st.booleans(), "result": JUNK}
    ),
)


def frames(evse_ids: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Frames about charge points, mostly listed ones."""
    known = st.sampled_from(evse_ids)
    return st.lists(
        st.tuples(FRAMES, known, st.booleans()).map(lambda one: {**one[0], "evse_id": one[1]} if one[2] else one[0]),
        max_size=12,
    )


@st.composite
def accounts(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The list of charge points, and the frames after it."""
    evse_ids = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    listed = [{**draw(SETTINGS), "evse_id": evse_id} for evse_id in evse_ids]
    return listed, draw(frames(evse_ids))


@pytest.mark.parametrize("listed", [True, False])
async def test_the_sockets_of_a_charge_point_are_bounded(listed: bool) -> None:
    made = room()
    many = list(range(1, 2_000))
    made.listed([{"evse_id": "BCU1", **({"socket_ids": many} if listed else {})}])
    if not listed:
        for number in many:
            made.frame({"object": "CH_STATUS", "evse_id": "BCU1", "data": {"socket_id": number, "actual_kwh": 1}})
    made.drain()
    assert len(made.parts.fleet.sockets("BCU1")) == len(made.described["BCU1"]["groups"]) == MOST_SOCKETS
    await end(made)


async def test_the_charge_points_of_an_account_are_bounded() -> None:
    made = room()
    points = [{"evse_id": f"BCU{number}"} for number in range(MOST_ENTRIES + 10)]
    made.listed(points)
    assert len(made.parts.fleet.evse_ids()) == MOST_ENTRIES
    await end(made)


def check_addresses(made: Room) -> None:
    """Every thing that can be served is included, and no two things share a topic."""
    services = [service["address"] for thing in made.described.values() for service in thing["services"]]
    assert not [address for address, count in Counter(services).items() if count > 1]
    addresses = [thing["address"] for thing in made.described.values()]
    assert sorted(addresses) == sorted(set(addresses)) == sorted(made.described)
    there = {evse_id for evse_id in made.parts.fleet.evse_ids() if not list(topic_faults(evse_id))}
    plain = {evse_id for evse_id in there if evse_id.isascii() and evse_id.isalnum() and len(evse_id) < 200}
    assert plain <= set(addresses), "a charge point is not served"


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(accounts(), st.sampled_from(["", "home", "a/b"]), st.sampled_from(["standard", "extended"]))
@example(([{"evse_id": "network"}, {"evse_id": "goodbye"}], []), "", "standard")
@example(([{"evse_id": "\uffff"}, {"evse_id": "BCU1"}], []), "", "standard")
@example(([{"evse_id": "N" * 100_000}, {"evse_id": "BCU1", "name": "x" * 100_000}], []), "", "standard")
@example(([{"evse_id": "BCU1", "socket_ids": list(range(10_000))}], []), "", "standard")
@example(([{"evse_id": "BCU1", "name": "cut \ud83d"}], []), "", "standard")
def test_whatever_the_cloud_says_what_leaves_is_valid(
    account: tuple[list[dict[str, Any]], list[dict[str, Any]]], prefix: str, state_set: str
) -> None:
    async def run() -> None:
        made = room(prefix=prefix, state_set=state_set)
        try:
            listed, said = account
            made.listed(listed)
            made.drain()
            for number, content in enumerate(said):
                made.frame(content)
                if number % 3 == 0:
                    made.clock.move(40)
                    made.drain()
            made.drain()
            check_addresses(made)
            await made.parts.fleet.link_lost()
            made.clock.move(90)
            made.parts.reporter.tick()
            made.drain()
            made.parts.reporter.stop()
            made.drain()
            assert made.faults() == []
        finally:
            await end(made)

    asyncio.run(run())


# --- input from the hub ---

COMMANDS = st.sampled_from(
    [
        "cmd.charge.start", "cmd.charge.stop", "cmd.state.get_report", "cmd.cable_lock.set", "cmd.cable_lock.get_report",
        "cmd.current_session.get_report", "cmd.current_session.set_current", "cmd.max_current.set",
        "cmd.max_current.get_report", "cmd.phase_mode.get_report", "cmd.meter.get_report", "cmd.meter_ext.get_report",
        "cmd.sup_params.get_report", "cmd.param.get_report", "cmd.param.set", "cmd.thing.reboot",
        "cmd.thing.get_inclusion_report", "cmd.thing.delete", "cmd.thing.inclusion", "cmd.network.reset",
        "cmd.network.get_node", "cmd.network.get_all_nodes", "cmd.ping.send", "cmd.app.get_manifest",
        "cmd.app.get_state", "cmd.app.get_diag", "cmd.app.reset", "cmd.config.get_extended_report",
        "cmd.config.extended_set", "cmd.auth.set_tokens", "cmd.auth.login", "cmd.auth.logout", "cmd.log.set_level",
        "cmd.log.get_level", "cmd.discovery.request", "cmd.app.uninstall",
    ]
) | ODD_TEXT  # fmt: skip
PARAMETERS = st.fixed_dictionaries(
    {
        "parameter_id": st.sampled_from(
            ["free_charging", "delayed_charging_days", "delayed_charging_start", "battery_size_kwh", "session_card",
             "limit_current", "limit_days", "current_battery_percentage", "available"]
        ) | ODD_TEXT,
        "value_type": st.sampled_from(["bool", "int", "string", "int_array", None]),
        "value": st.booleans() | st.integers() | st.sampled_from(["07:30", "", [1, 2], 10**4000]) | ODD_TEXT,
    }
)  # fmt: skip
VALUES = st.recursive(
    JUNK | PARAMETERS | st.sampled_from(["BCU1", "W", ["p1"], {"address": "BCU1"}, 16, True, 10**4000, "x" * 5_000]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ODD_TEXT, inner, max_size=2),
    max_leaves=4,
)
RESP_TO = st.sampled_from(
    [
        "pt:j1/mt:rsp/rt:app/rn:x/ad:1", "pt:j1c1/mt:evt/rt:app/rn:x/ad:1", "pt:j1/mt:cmd/rt:app/rn:x/ad:1",
        "pt:j1/mt:rsp/rt:app/rn:\x07/ad:1", "pt:j1/mt:rsp/rt:app/rn:\uffff/ad:1", "pt:j1/mt:rsp/rt:app/rn:+/ad:1",
        "a/" * 250 + "pt:j1/mt:rsp/rt:app/rn:x/ad:1", f"pt:j1/mt:rsp/rt:app/rn:{'x' * 5_000}/ad:1", "",
    ]
) | ODD_TEXT  # fmt: skip
MESSAGES = st.fixed_dictionaries(
    {"serv": st.just("chargepoint") | ODD_TEXT, "type": COMMANDS, "val": VALUES},
    optional={
        "val_t": st.sampled_from(
            ["null", "string", "int", "float", "bool", "object", "str_map", "str_array", "bin"]
        ) | ODD_TEXT,
        "props": st.dictionaries(st.just("charging_mode") | ODD_TEXT, VALUES, max_size=2) | JUNK,
        "resp_to": RESP_TO | JUNK,
        "uid": st.just("u") | ODD_TEXT | st.just("x" * 5_000) | JUNK,
        "ctime": st.sampled_from(
            ["2026-11-20T12:00:00.000Z", "0001-01-01T00:00:00+14:00", "9999-12-31 23:59:59 -14:00", ""]
        ) | JUNK,
    },
)  # fmt: skip
COMMAND_TOPICS = st.sampled_from(
    [ADAPTER, "pt:j1/mt:cmd/rt:discovery"]
    + [
        f"pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:{service}/ad:BCU1"
        for service in ("chargepoint", "meter_elec", "parameters", "dev_sys", "x")
    ]
    + ["pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint", f"pt:j1/mt:cmd/rt:dev/{'x' * 5_000}"]
)  # fmt: skip
CHARGING = {
    "object": "CH_STATUS", "evse_id": "BCU1",
    "data": {"activity": "charging", "vehicle_status": "C", "actual_p1": 9, "actual_v1": 231, "actual_kwh": 2,
             "max_usage": 32, "start_datetime": "20261120 11:00:00"},
}  # fmt: skip


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(COMMAND_TOPICS, MESSAGES), min_size=1, max_size=5))
def test_whatever_the_hub_asks_what_leaves_is_valid(asked: list[tuple[str, dict[str, Any]]]) -> None:
    async def run() -> None:
        made = room()
        try:
            made.listed([{"evse_id": "BCU1", "delayed_charging": {"value": True, "permission": "write"}}])
            made.frame(CHARGING)
            made.drain()
            for path, content in asked:
                made.parts.router.take(path, json.dumps({"val_t": "null", "uid": str(uuid4()), **content}).encode())
                await settle(20)
                answers = [one for one in made.drain() if one.item is not None]
                assert answers, "a command was left without an answer"
            assert made.faults() == []
        finally:
            await end(made)

    asyncio.run(run())


@given(ODD_TEXT | st.just("x" * 5_000), st.sampled_from([ADAPTER, "x" * 5_000]))
def test_the_clouds_words_in_an_error_are_valid(words: str, path: str) -> None:
    report = error_report(
        Rejected(words),
        topic=Topic("evt", "dev", "bluecurrent", "1", "chargepoint", "BCU1"),
        service="chargepoint",
        src="BCU1",
        command_topic=path,
        command=None,
    )
    payload = report.encode(uid=uuid4(), now=datetime(2026, 1, 1, tzinfo=UTC), src="bluecurrent")
    assert not faults(report.topic.path, payload)


# --- the guard itself ---


def good() -> dict[str, Any]:
    """A message that is as it should be."""
    return {
        "serv": "chargepoint", "type": "evt.state.report", "val_t": "string", "val": "charging", "props": {}, "tags": [],
        "src": "bluecurrent", "ver": "1", "uid": str(uuid4()), "ctime": "2026-01-31T07:30:00.000+01:00",
        "topic": "pt:j1/mt:evt/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint/ad:BCU1",
    }  # fmt: skip


def found(message: dict[str, Any], path: str | None = None) -> list[str]:
    """The violations in a message."""
    return faults(path or message["topic"], json.dumps(message).encode())


def test_the_guard_lets_a_good_message_through() -> None:
    assert found(good()) == []
    assert found(good(), "home/" + good()["topic"]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"val": "dancing"}, {"val": 5}, {"val_t": "text"}, {"props": None}, {"props": {"charging_mode": 1}},
        {"props": {"x": "y"}}, {"tags": None}, {"uid": "1"}, {"ctime": "2026-01-31T07:30:00Z"}, {"ver": 1},
        {"src": ""}, {"more": 1}, {"type": "evt.dance.report"}, {"serv": ""}, {"storage": {"strategy": "aggregate"}},
        {"type": "evt.meter.report", "serv": "meter_elec", "val_t": "float", "val": 1.5},
        {"type": "evt.meter.report", "serv": "meter_elec", "val_t": "float", "val": float("nan")},
        {"type": "evt.error.report", "val": "ERR_EXPIRED", "props": {"msg": "Too late.", "src": "BCU1"}},
    ],
)  # fmt: skip
def test_the_guard_sees_what_is_wrong(change: dict[str, Any]) -> None:
    assert found(good() | change)


def test_the_guard_wants_every_field() -> None:
    for name in good():
        assert found({key: value for key, value in good().items() if key != name}, good()["topic"])


@pytest.mark.parametrize("path", ["", "a+b", "a/#", "a\x00", "a\x9f", "a\uffff", "\ud83d", "x" * 65_536, "a/" * 200])
def test_the_guard_knows_what_a_topic_may_be(path: str) -> None:
    assert list(topic_faults(path))


def test_a_number_that_only_json_can_write_is_seen() -> None:
    text = json.dumps(
        good()
        | {"serv": "meter_elec", "type": "evt.meter_ext.report", "val_t": "float_map", "storage": {"strategy": "split"}}
    )
    assert faults(good()["topic"], text.replace('"charging"', '{"p1": 1e999}').encode())
