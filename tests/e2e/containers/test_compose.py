"""Starts the compose files as docs/docker.md does."""

import asyncio
import contextlib
import ipaddress
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import aiomqtt
import pytest

from tests.brokers import IMAGE as BROKER
from tests.brokers import mosquitto_container, password_line
from tests.e2e.containers.conftest import Built
from tests.e2e.containers.engine import BASE, Stack, docker, inspect, until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

BRIDGES = ("bridge", "demo")
OURS = (*BRIDGES, "demo-cloud")
EVSES = ("BCU100186", "BCU102728")
UID = "10001"


@pytest.fixture(scope="module")
def demo(image: Built, compose: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`docker-compose --profile demo up` without any preparation."""
    stack = Stack.copied(tmp_path_factory.mktemp("demo"), "docker-compose.yml", profiles=("demo",))
    stack.hurry(*OURS)
    try:
        stack("up", "--detach")
        yield stack
    finally:
        stack.down()


def send(stack: Stack, service: str, *command: str, check: bool = True) -> str:
    """What `bluecurrent-fimp send` prints in that service's container."""
    return stack.execute(service, "bluecurrent-fimp", "send", *command, check=check)


def restarts(stack: Stack, service: str) -> int:
    """The number of starts that the bridge has counted on disk."""
    found = re.search(r'"restarts_count":(\d+)', send(stack, service, "adapter", "app.get_diag"))
    assert found is not None
    return int(found[1])


def healthy(stack: Stack, service: str) -> bool:
    """The engine finds it healthy."""
    return stack.health(service) == "healthy"


def test_everything_becomes_healthy(demo: Stack) -> None:
    for service in OURS:
        until(partial(healthy, demo, service), f"{service} is healthy")
    assert all(demo.inspect(service)["State"]["Running"] for service in ("broker", "demo-broker"))


@pytest.mark.parametrize("service", OURS)
def test_every_container_has_only_the_rights_that_it_needs(demo: Stack, service: str) -> None:
    known = demo.inspect(service)
    assert known["HostConfig"]["ReadonlyRootfs"] is True
    assert known["HostConfig"]["CapDrop"] == ["ALL"]
    assert any(option.startswith("no-new-privileges") for option in known["HostConfig"]["SecurityOpt"])
    assert known["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert demo.execute(service, "id", "-u").strip() == UID
    assert "Read-only file system" in demo.execute(service, "touch", "/opt/bridge/x", check=False)


@pytest.mark.parametrize("service", [*OURS, "broker", "demo-broker"])
def test_no_port_is_open_beyond_this_machine(demo: Stack, service: str) -> None:
    ports = demo.inspect(service)["NetworkSettings"]["Ports"]
    assert {where["HostIp"] for bound in ports.values() for where in bound or ()} <= {"127.0.0.1"}


def test_the_demo_has_charge_points_and_they_can_be_commanded(demo: Stack) -> None:
    until(lambda: "BCU102728 UP" in send(demo, "demo", "adapter", "network.get_all_nodes"), "the demo's things")
    assert "↩ state" in send(demo, "demo", "BCU102728", "state.get_report")


def test_the_demo_is_separate_from_the_real_bridge(demo: Stack) -> None:
    assert "BCU" not in send(demo, "bridge", "adapter", "network.get_all_nodes")
    assert "ERR_UNKNOWN_ADDRESS" in send(demo, "bridge", "BCU102728", "state.get_report", check=False)


async def hear(port: int, wanted: set[str], begin: Callable[[], object]) -> set[str]:
    """The topics received from `begin` on, until all wanted ones are among them."""
    heard: set[str] = set()
    while True:
        try:
            async with aiomqtt.Client("127.0.0.1", port) as client:
                await client.subscribe("pt:j1/mt:evt/#")
                begin()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(30):
                        async for message in client.messages:
                            heard.add(str(message.topic))
                            if heard >= wanted:
                                break
                return heard
        except aiomqtt.MqttError:
            await asyncio.sleep(0.2)  # the broker is on its way


def test_everything_is_reported_again_to_a_broker_that_was_away(demo: Stack) -> None:
    demo("stop", "demo-broker")
    until(lambda: "connection to the broker is down" in demo.log("demo"), "the break is told")
    device = "pt:j1/mt:evt/rt:dev/rn:bluecurrent/ad:1/sv:{}/ad:{}"
    wanted = {device.format(service, evse_id) for service in ("chargepoint", "meter_elec") for evse_id in EVSES}
    wanted.add("pt:j1/mt:evt/rt:ad/rn:bluecurrent/ad:1")
    # The bridge is stopped until the test listens, since its first messages count. `docker pause` fails now and then on a
    # busy machine: it gives up when the kernel does not freeze every process of the container at once.
    bridge = demo.container("demo")
    docker("kill", "--signal=STOP", bridge)
    try:
        demo("start", "demo-broker")
        heard = asyncio.run(
            hear(demo.ports["DEMO_MQTT_LISTEN"], wanted, lambda: docker("kill", "--signal=CONT", bridge))
        )
    finally:
        docker("kill", "--signal=CONT", bridge)
        demo("start", "demo-broker")
    assert heard >= wanted
    assert demo.inspect("demo")["RestartCount"] == 0


def test_every_container_stops_cleanly_within_5_seconds(demo: Stack) -> None:
    for service in OURS:
        container = demo.container(service)
        begun = time.monotonic()
        docker("stop", container)
        assert time.monotonic() - begun < 5, service
        assert inspect(container)["State"]["ExitCode"] == 0, service
    demo("start", *OURS)
    until(lambda: demo.health("demo") == "healthy", "the demo is back")


def test_stored_data_survives_down_and_up(demo: Stack) -> None:
    before = restarts(demo, "demo")
    demo("down")
    demo("up", "--detach")
    until(lambda: demo.health("demo") == "healthy", "the demo is back")
    assert restarts(demo, "demo") == before + 1
    assert demo.execute("broker", "ls", "/mosquitto/data").split() == ["mosquitto.db"]


PASSWORD = "correct horse"
HUBS_PASSWORD = "secret of the hub"


@pytest.fixture(scope="module")
def named(image: Built, compose: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A broker with users, as docs/docker.md sets it up."""
    stack = Stack.copied(tmp_path_factory.mktemp("names"), "docker-compose.yml")
    stack.configure({"BRIDGE_MQTT__USERNAME": "bridge", "BRIDGE_LOG__LEVEL": "debug"})
    stack.secret("bridge_mqtt__password", PASSWORD)
    script = 'mosquitto_passwd -c -b /broker/users bridge "$1"'
    script += " && chown mosquitto: /broker/users && chmod 600 /broker/users"
    docker("run", "--rm", "--volume", f"{stack.folder}/broker:/broker", BROKER, "sh", "-c", script, "-", PASSWORD)
    (stack.folder / "broker/users.conf").write_text(
        "allow_anonymous false\npassword_file /mosquitto/config/local/users\n"
    )
    try:
        stack("up", "--detach")
        yield stack
    finally:
        stack.down()


def test_a_broker_with_users_accepts_only_the_bridge(named: Stack) -> None:
    until(lambda: "connected to the broker" in named.log("bridge"), "it gets in")
    assert "u'bridge'" in named.log("broker")
    assert "not authori" in named.execute("broker", "mosquitto_pub", "-t", "x", "-m", "x", check=False).lower()


def test_a_secret_is_in_no_log_and_no_environment(named: Stack) -> None:
    assert PASSWORD not in named.log("bridge")
    assert PASSWORD not in str(named.inspect("bridge"))


@pytest.fixture(scope="module")
def hub(image: Built, compose: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The bridge alone, and elsewhere a broker with a password, as a hub has it."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "mosquitto.conf").write_text(
        "listener 1884\nallow_anonymous false\npassword_file /mosquitto/config/users\n"
    )
    (folder / "users").write_text(password_line("api", HUBS_PASSWORD))
    with mosquitto_container(folder, 1884) as (_, ports):
        stack = Stack.copied(tmp_path_factory.mktemp("alone"), "docker-compose.hub.yml")
        stack.hurry("bridge")
        address = {"BRIDGE_MQTT__HOST": gateway(), "BRIDGE_MQTT__PORT": str(ports[1884])}
        stack.configure({**address, "BRIDGE_MQTT__USERNAME": "api"})
        stack.secret("bridge_mqtt__password", HUBS_PASSWORD)
        stack.secret("bridge_cloud__api_token", "")
        try:
            stack("up", "--detach")
            yield stack
        finally:
            stack.down()


def gateway() -> str:
    """The address of this machine for a container."""
    program = "print(*[line.split()[2] for line in open('/proc/net/route') if line.split()[1] == '00000000'])"
    little_endian = bytes.fromhex(docker("run", "--rm", BASE, "python", "-c", program))
    return str(ipaddress.ip_address(little_endian[::-1]))


def test_with_a_hub_the_bridge_connects_and_waits_for_a_token(hub: Stack) -> None:
    until(lambda: "connected to the broker" in hub.log("bridge"), "it gets in")
    assert "waiting for a Blue Current token" in hub.log("bridge")
    until(lambda: hub.health("bridge") == "healthy", "healthy")
    assert hub("ps", "--services").split() == ["bridge"]


def test_without_the_address_of_the_hub_the_missing_setting_is_named(compose: None, tmp_path: Path) -> None:
    bare = Stack.copied(tmp_path, "docker-compose.hub.yml")
    assert "is missing in .env, the address of the hub" in bare("config", check=False)
