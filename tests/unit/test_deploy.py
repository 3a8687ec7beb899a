"""The files in deploy/ have every setting, and no unknown ones."""

import re
from pathlib import Path

from bridge.settings import DELIMITER, KEYS, PREFIX

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"^[ #]*(BRIDGE_[A-Z_]+)[:=]", re.MULTILINE)
FIXED = {"BRIDGE_STORAGE__PATH"}  # the image's
SECRET = {"BRIDGE_CLOUD__API_TOKEN", "BRIDGE_MQTT__PASSWORD"}  # files
SETTABLE = {PREFIX + key.replace(".", DELIMITER).upper() for key in KEYS} - FIXED - SECRET


def test_the_example_explains_every_variable() -> None:
    assert set(VARIABLE.findall((ROOT / "deploy/env.example").read_text())) == SETTABLE


def test_every_variable_reaches_the_container() -> None:
    assert set(VARIABLE.findall((ROOT / "deploy/common.yml").read_text())) == SETTABLE


def test_every_variable_of_the_compose_files_is_explained() -> None:
    used = {
        name
        for path in (ROOT / "deploy").glob("*.yml")
        for name in re.findall(r"\$\{([A-Z_]+)", path.read_text())
        if not name.startswith(PREFIX)
    }
    explained = set(re.findall(r"^#([A-Z_]+)=", (ROOT / "deploy/env.example").read_text(), re.MULTILINE))
    assert used == {name for name in explained if not name.startswith(PREFIX)}


def test_the_template_unit_is_the_unit_with_a_folder_for_each_instance() -> None:
    def lines(name: str) -> list[str]:
        text = (ROOT / "deploy/systemd" / name).read_text()
        return [line for line in text.splitlines() if not line.startswith("#")]

    template = [line.replace("/%i", "").replace(" of %i", "") for line in lines("bluecurrent-fimp@.service")]
    assert template == lines("bluecurrent-fimp.service")
    own = [line for line in lines("bluecurrent-fimp@.service") if "%i" in line]
    assert len(own) == 7  # description, settings, storage, two secrets, state, working folder
