"""The file of the flows: its nodes, its settings, and what it does not contain."""

import json
from typing import Final

from tests.e2e.node_red import program
from tests.e2e.node_red.program import flows
from tests.harness import SOCKET

CORE: Final = {
    "tab", "group", "comment", "inject", "debug", "function", "change", "switch", "status", "link in", "link out",
    "mqtt in", "mqtt out", "mqtt-broker", "http request",
}  # fmt: skip


def test_every_wire_and_link_leads_to_a_node() -> None:
    nodes = {node["id"]: node for node in flows()}
    assert len(nodes) == len(flows())
    for node in nodes.values():
        targets = [target for port in node.get("wires", []) for target in port]
        assert all(nodes[target]["z"] == node["z"] for target in targets), node
        for other in node.get("links", []):
            assert node["id"] in nodes[other]["links"], (node["name"], nodes[other]["name"])
        for reference in [node.get("z"), node.get("g"), node.get("broker"), *(node.get("scope") or [])]:
            assert reference is None or reference in nodes or node["type"] == "mqtt-broker", (node, reference)
        for member in node.get("nodes", []):
            assert nodes[member]["g"] == node["id"]


def test_the_flows_have_only_named_core_nodes_and_no_secrets() -> None:
    for node in flows():
        assert node["type"] in CORE
        assert node.get("name") or node.get("label"), node
        assert "credentials" not in node
    assert len([node for node in flows() if node["type"] == "mqtt-broker"]) == 1
    assert not any(word in program.FLOWS.read_text().lower() for word in ('password"', "token", "simulated"))


def test_the_charge_point_is_named_in_one_place() -> None:
    (tab,) = [node for node in flows() if node["type"] == "tab"]
    settings = {variable["name"]: variable["value"] for variable in tab["env"]}
    assert settings["EVSE_ID"] == SOCKET
    elsewhere = json.dumps([{**node, "env": []} for node in flows()])
    code = [node["func"] for node in flows() if node["type"] == "function"]
    assert f'"{SOCKET}"' not in elsewhere.replace("\\", "")
    assert all(SOCKET not in line for text in code for line in text.splitlines() if not line.startswith("//"))


def test_commands_are_made_in_one_function() -> None:
    makers = [node["name"] for node in flows() if node["type"] == "function" and "randomUUID" in node["func"]]
    assert makers == ["FIMP message"]
    assert [node["name"] for node in flows() if node["type"] == "mqtt out"] == ["To the bridge"]


def test_every_function_is_short_and_begins_with_a_comment() -> None:
    for node in flows():
        if node["type"] == "function":
            lines = node["func"].splitlines()
            assert len(lines) <= 50, node["name"]
            assert max(map(len, lines)) <= 120, node["name"]
            assert lines[0].startswith("//"), node["name"]


def test_the_source_of_prices_is_public_and_needs_no_key() -> None:
    (tab,) = [node for node in flows() if node["type"] == "tab"]
    (url,) = [variable["value"] for variable in tab["env"] if variable["name"] == "PRICES_URL"]
    assert '"https://public.api.energyzero.nl/public/v1/prices?' in url
    (request,) = [node for node in flows() if node["type"] == "http request"]
    assert (request["authType"], request["headers"], request["url"]) == ("", [], "")
