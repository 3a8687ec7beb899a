"""docs/settings.md: every setting, as the code has it, and every example loads."""

import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel, SecretStr

from bridge.settings import KEYS, Settings
from bridge.settings_sources import load
from tests.documentation.pages import ROOT, Block, all_blocks, anchors, blocks

PAGE = ROOT / "docs" / "settings.md"

pytestmark = pytest.mark.usefixtures("nowhere")


def schema(key: str) -> dict[str, Any]:
    """The type, bounds and default of a key in the model."""
    section, _, name = key.partition(".")
    model = Settings.model_fields[section].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    found: dict[str, Any] = model.model_json_schema()["properties"][name]
    return found


def type_in_words(content: dict[str, Any]) -> str:
    options = content.get("anyOf", [content])
    kinds = {option.get("format") or option.get("type") for option in options} - {"null"}
    words = {
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
        "path": "file",
        "password": "secret",
    }
    return "number" if "number" in kinds else words[kinds.pop()]


CHECKED_BY_CODE: Final = {
    "mqtt.host",
    "mqtt.topic_prefix",
    "cloud.url",
    "fimp.resource_name",
    "fimp.resource_address",
    "http.listen",
}
"""The settings whose bounds are described in words, since a schema cannot express them."""


def bounds_in_words(content: dict[str, Any]) -> str:
    least, most = content.get("minimum", content.get("ge")), content.get("maximum", content.get("le"))
    if "enum" in content:
        return " ".join(f"`{word}`" for word in content["enum"])
    if content.get("gt") is not None:
        return f"above {content['gt']}, up to {most}"
    if least is not None:
        return f"{least} to {most}"
    if content.get("maxLength"):
        return f"{content.get('minLength', 0)} to {content['maxLength']} characters"
    if content.get("minLength"):
        return "not empty"
    return ""


def default_in_words(content: dict[str, Any]) -> str:
    default = content["default"]
    words = {"None": "none", "": "empty", "True": "`true`", "False": "`false`"}
    return words.get(str(default), f"`{default}`")


def table() -> dict[str, list[str]]:
    """Key → the cells of its row."""
    rows = re.findall(r"^\| `(\w+\.\w+)` \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {key: [cell.strip() for cell in cells.split(" | ")] for key, cells in rows}


def test_every_setting_is_listed_in_the_order_of_the_code() -> None:
    assert tuple(table()) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_type_default_and_bounds_of_a_setting_are_those_of_the_code(key: str) -> None:
    type_, bounds, default, meaning = table()[key]
    content = schema(key)
    assert (type_, default) == (type_in_words(content), default_in_words(content))
    if key in CHECKED_BY_CODE:
        assert bounds
    else:
        assert bounds == bounds_in_words(content)
    assert meaning


def values(settings: Settings) -> dict[str, Any]:
    """Every value, by its key, secrets in the clear."""
    found = {}
    for key in KEYS:
        section, _, name = key.partition(".")
        value = getattr(getattr(settings, section), name)
        found[key] = value.get_secret_value() if isinstance(value, SecretStr) else value
    return found


@pytest.mark.parametrize("block", all_blocks("toml"), ids=str)
def test_every_toml_example_loads(block: Block, tmp_path: Path) -> None:
    if block.text.startswith("[project"):
        pytest.skip("about the package, not the bridge")
    file = tmp_path / "example.toml"
    file.write_text(block.text)
    load(file)


def test_the_three_ways_to_write_a_setting_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples of every section as TOML, as variables, and as secret files."""
    (tmp_path / "examples.toml").write_text("\n".join(block.text for block in blocks(PAGE, "toml")))
    toml = values(load(tmp_path / "examples.toml"))
    lines = [line for block in blocks(PAGE, "sh") for line in block.text.splitlines() if line.startswith("BRIDGE_")]
    variables = dict(shlex.split(line)[0].split("=", 1) for line in lines)
    assert [name.lower().removeprefix("bridge_").replace("__", ".") for name in variables] == list(KEYS)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert values(load()) == toml
    for name, value in variables.items():
        monkeypatch.delenv(name)
        (tmp_path / "secrets" / name.lower()).write_text(f"{value}\n")
    assert values(load()) == toml
    defaults = values(Settings())
    assert [key for key in KEYS if toml[key] == defaults[key]] == []  # each shows another value than the default


def test_the_example_file_has_every_setting_at_its_default(tmp_path: Path) -> None:
    text = (ROOT / "config" / "bridge.toml").read_text(encoding="utf-8")
    uncommented = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    assert re.findall(r"^(\w+) = ", uncommented, re.MULTILINE) == [key.partition(".")[2] for key in KEYS]
    for content in (text, uncommented):
        (tmp_path / "config.toml").write_text(content)
        assert values(load(tmp_path / "config.toml")) == values(Settings())


def test_every_section_has_a_heading() -> None:
    assert set(Settings.model_fields) <= anchors(PAGE)
