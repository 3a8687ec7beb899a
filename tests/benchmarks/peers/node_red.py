"""The flow that a person would draw in Node-RED: websocket in, function, mqtt out; HELLO when the websocket connects."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from tests.e2e.node_red import program

HELLO: Final = """
if (msg.status.event !== "connect") return null;
return { payload: JSON.stringify({ command: "HELLO", header: "homeassistant", Authorization: "Token measured" }) };
"""

REPORTS: Final = """
const frame = JSON.parse(msg.payload);
if (frame.object !== "CH_STATUS") return null;
const data = frame.data;
const power = data.actual_v1 * data.actual_p1 + data.actual_v2 * data.actual_p2 + data.actual_v3 * data.actual_p3;
const out = [];
function report(service, type, value, props) {
    const key = frame.evse_id + type;
    if (context.get(key) === value) return;
    context.set(key, value);
    const topic = `pt:j1/mt:evt/rt:dev/rn:bluecurrent/ad:1/sv:${service}/ad:${frame.evse_id}`;
    out.push({ topic, payload: {
        serv: service, type, val_t: "float", val: value, props, tags: [], src: "bluecurrent", ver: "1",
        uid: RED.util.generateId(), ctime: new Date().toISOString(), topic,
    } });
}
report("chargepoint", "evt.current_session.report", data.actual_kwh, {});
report("meter_elec", "evt.meter.report", power, { unit: "W" });
return [out];
"""


def flow(cloud_url: str, broker_port: int) -> list[dict[str, Any]]:
    """The nodes and their wires."""

    def node(name: str, type_: str, *next_: str, **settings: Any) -> dict[str, Any]:
        return {
            "id": f"bench-{name}",
            "type": type_,
            "z": "bench-tab",
            "wires": [[f"bench-{to}" for to in next_]],
            **settings,
        }

    cloud = {"id": "bench-cloud", "type": "websocket-client", "path": cloud_url, "wholemsg": "false", "hb": "0"}
    broker = {"id": "bench-broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(broker_port)}
    return [
        {"id": "bench-tab", "type": "tab", "label": "Blue Current"},
        cloud,
        broker,
        node("in", "websocket in", "reports", client=cloud["id"]),
        node("reports", "function", "out", func=REPORTS, outputs=1),
        node("out", "mqtt out", broker=broker["id"], qos="1", retain="false"),
        node("status", "status", "hello", scope=["bench-in"]),
        node("hello", "function", "answer", func=HELLO, outputs=1),
        node("answer", "websocket out", client=cloud["id"]),
    ]


def command(folder: Path, cloud_url: str, broker_port: int) -> list[str]:
    """How to run it from a folder; installs Node-RED from npm the first time."""
    (folder / "settings.js").write_text(program.SETTINGS)
    (folder / "flows.json").write_text(json.dumps(flow(cloud_url, broker_port)))
    sys.stderr.flush()
    return [
        "node", str(program.install()), "--userDir", str(folder), "--settings", str(folder / "settings.js"),
        "--port", "0", str(folder / "flows.json"),
    ]  # fmt: skip
