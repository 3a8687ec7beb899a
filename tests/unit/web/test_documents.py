"""The documentation of the metrics agrees with the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as parse

from bridge.web.build_view import build_view
from bridge.web.metrics import FAMILIES, Metrics
from tests import showroom

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "deploy" / "grafana" / "bluecurrent.json"
PAGE = ROOT / "docs" / "http.md"


def served() -> dict[str, set[str]]:
    """Every metric of `/metrics` with its labels."""
    text, _ = Metrics().text(build_view(showroom.rich()), "")
    return {
        sample.name: set(sample.labels)
        for family in parse(text.decode())
        for sample in family.samples
        if sample.name.startswith("bluecurrent_")
    }


def strings(value: object) -> Iterator[str]:
    """Every string in some JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def expressions() -> Iterator[str]:
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def test_the_showroom_has_every_metric() -> None:
    assert set(served()) == {family.full_name for family in FAMILIES}


def test_the_table_of_metrics_is_complete_and_true() -> None:
    rows = re.findall(r"^\| `(bluecurrent_\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert [(name, kind, tuple(re.findall(r"`(\w+)`", labels)), text) for name, kind, labels, text in rows] == [
        (family.full_name, family.kind, family.labels, family.help) for family in FAMILIES
    ]
    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, _, labels, _ in rows} == served()


def test_every_metric_in_the_text_exists() -> None:
    assert set(re.findall(r"bluecurrent_\w+", PAGE.read_text())) <= set(served())


def test_every_metric_in_the_dashboard_exists_with_the_labels_it_is_asked_for() -> None:
    known = served()
    found = 0
    for expression in [*expressions(), *strings(json.loads(DASHBOARD.read_text())["templating"])]:
        for name, selector in re.findall(r"(bluecurrent_\w+)(?:\{([^}]*)\})?", expression):
            assert name in known, name
            assert set(re.findall(r"(\w+)\s*[=!]~?", selector)) <= known[name], expression
            found += 1
        for labels in re.findall(r"by \((\w+)\)", expression):
            assert any(labels in known[name] for name in re.findall(r"bluecurrent_\w+", expression)), expression
    assert found > 15


def test_the_dashboard_asks_for_its_data_source_and_has_no_panel_on_another() -> None:
    board = json.loads(DASHBOARD.read_text())
    assert [variable["type"] for variable in board["templating"]["list"]] == ["datasource", "query"]
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${datasource}"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    places = [
        (column, row)
        for panel in board["panels"]
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places)), "two panels stand on each other"


def test_every_endpoint_is_documented() -> None:
    written = set(re.findall(r"^\| `(/[\w/]*)` \|", PAGE.read_text(), re.MULTILINE))
    assert written == {"/", "/healthz", "/readyz", "/metrics", "/api/state", "/events"}
