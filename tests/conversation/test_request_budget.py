"""Diagnostics, page and metrics show the number of requests that the cloud has counted."""

import re

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.harness import SOCKET, House


async def test_diagnostics_page_and_metrics_count_requests_as_the_cloud_does(house: House) -> None:
    assert house.service is not None
    await house.hub.command(SOCKET, "cmd.max_current.set", val_t="int", val=10)
    counted = dict(house.cloud.requests)
    assert counted["HELLO"] == 1
    assert sum(counted.values()) > 10

    told = (await house.hub.adapter("cmd.app.get_diag"))[0].message.value
    assert isinstance(told, dict)
    budget = told["requests"]
    assert isinstance(budget, dict)
    assert (budget["by_kind"], budget["today"]) == (counted, sum(counted.values()))

    base = f"http://127.0.0.1:{house.service.web.port}"
    async with httpx.AsyncClient(base_url=base) as client:
        state = (await client.get("/api/state")).json()["requests"]
        metrics = (await client.get("/metrics")).text
        page = (await client.get("/")).text
    assert {name: state[name] for name in budget} == budget

    samples = [sample for family in text_string_to_metric_families(metrics) for sample in family.samples]
    values = {sample.name: sample.value for sample in samples if not sample.labels}
    by_command = {s.labels["command"]: s.value for s in samples if s.name == "bluecurrent_requests_by_command_today"}
    assert by_command == counted
    assert values["bluecurrent_requests_today"] == values["bluecurrent_requests_total"] == budget["today"]
    assert values["bluecurrent_requests_per_start"] == budget["per_start"]
    assert values["bluecurrent_requests_per_reconnect"] == budget["per_reconnect"]

    shown = re.findall(r"<code>([A-Z_]+)</code></th><td>(\d+)</td>", page)
    assert {command: int(count) for command, count in shown} == counted
