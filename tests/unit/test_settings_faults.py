"""The line for each kind of fault in the settings."""

from pathlib import Path

import pytest

from bridge.settings_sources import load
from tests.unit.setting_faults import faults

pytestmark = pytest.mark.usefixtures("nowhere")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[MQTT]\nport = 1\n", "bridge.toml: MQTT: unknown section; did you mean mqtt?"),
        ('[mqtt]\nHOST = "x"\n', "bridge.toml: mqtt.HOST: unknown key; did you mean mqtt.host?"),
        ('host = "x"\n', "bridge.toml: host: unknown key; did you mean mqtt.host?"),
        ('[mqtt]\nlevel = "info"\n', "bridge.toml: mqtt.level: unknown key; did you mean log.level?"),
        ('[mqtt]\nport = "1883"\n', "bridge.toml: mqtt.port: must be a whole number, without quotes"),
        ("[mqtt]\nport = true\n", "bridge.toml: mqtt.port: must be a whole number, without quotes"),
        ("[mqtt]\nport = 1883.5\n", "bridge.toml: mqtt.port: must be a whole number"),
        ("[mqtt]\nport = []\n", "bridge.toml: mqtt.port: must be a whole number, without quotes"),
        ('[mqtt]\ntls = "yes"\n', "bridge.toml: mqtt.tls: must be true or false, without quotes"),
        ("[mqtt]\ntls = 1\n", "bridge.toml: mqtt.tls: must be true or false, without quotes"),
        ("[mqtt]\nhost = 5\n", "bridge.toml: mqtt.host: must be a text, in quotes"),
        ("[mqtt]\nca_file = 5\n", "bridge.toml: mqtt.ca_file: must be a text, in quotes"),
        ('[mqtt]\nhost = ""\n', "bridge.toml: mqtt.host: must be a name or an address and nothing else"),
        ('[mqtt]\nhost = "a b"\n', "bridge.toml: mqtt.host: must be a name or an address and nothing else"),
        (
            f'[mqtt]\nhost = "{"a" * 64}"\n',
            "bridge.toml: mqtt.host: must be a name or an address and nothing else: each",
        ),
        ("[mqtt]\npassword = 1234\n", "bridge.toml: mqtt.password: must be a text, in quotes"),
        ('[cloud]\ncommand_timeout = "60"\n', "bridge.toml: cloud.command_timeout: must be a number, without quotes"),
        ("[cloud]\noffline_grace = false\n", "bridge.toml: cloud.offline_grace: must be a number, without quotes"),
        ("[charging]\nnominal_voltage = 1979-05-27\n", "bridge.toml: charging.nominal_voltage: must be a number"),
        ('[cloud]\nurl = "x"\n', "bridge.toml: cloud.url: must begin with wss:// or ws://"),
        ('[cloud]\nurl = "wss://"\n', "bridge.toml: cloud.url: must be of the form wss://HOST:PORT/PATH"),
        (
            '[cloud]\nurl = "wss://x:99999/y"\n',
            "bridge.toml: cloud.url: must be of the form wss://HOST:PORT/PATH: Port",
        ),
        (
            '[cloud]\nurl = "wss://[::1/y"\n',
            "bridge.toml: cloud.url: must be of the form wss://HOST:PORT/PATH: Invalid",
        ),
        ('[cloud]\nurl = "wss://a b/y"\n', "bridge.toml: cloud.url: the host must be a name or an address"),
        (f'[cloud]\nurl = "wss://{"a" * 64}/y"\n', "bridge.toml: cloud.url: the host must be a name or an address"),
        ('[cloud]\nurl = "wss://a:b@x/y"\n', "bridge.toml: cloud.url: must be of the form wss://HOST:PORT/PATH"),
        ('[fimp]\nresource_name = ""\n', "bridge.toml: fimp.resource_name: must be a name of letters, digits, _ and -"),
        ('[http]\nlisten = ":8099"\n', "bridge.toml: http.listen: must be ADDRESS:PORT, such as 127.0.0.1:8099"),
        ("[http]\nlisten = 8099\n", "bridge.toml: http.listen: must be a text, in quotes"),
    ],
)
def test_a_fault_is_one_line_that_says_what_is_needed(nowhere: Path, text: str, line: str) -> None:
    (nowhere / "bridge.toml").write_text(text)
    (found,) = faults()
    assert found.startswith(line)


def test_a_text_that_is_no_number_is_one_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_COMMANDS__MAX_AGE", "old")
    assert faults() == ["environment variable BRIDGE_COMMANDS__MAX_AGE: commands.max_age: must be a number"]


def test_a_mistyped_value_that_another_source_overrides_does_not_count(nowhere: Path) -> None:
    (nowhere / "bridge.toml").write_text('[mqtt]\nport = "1883"\n')
    assert load(None, ["mqtt.port=1884"]).mqtt.port == 1884


@pytest.mark.parametrize("text", ["warn", "WARNING", " Warning "])
def test_a_level_is_known_in_any_letter_case_and_by_its_short_name(text: str) -> None:
    assert load(None, [f"log.level={text}"]).log.level == "warning"
