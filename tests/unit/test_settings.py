"""Settings: where they come from, which wins, and what a fault looks like."""

import tomllib
from pathlib import Path

import pytest

from bridge.settings import KEYS, Settings, SettingsFault, load

DEFAULTS = {
    "mqtt.host": "localhost", "mqtt.port": 1883, "mqtt.username": None, "mqtt.password": None, "mqtt.tls": False,
    "mqtt.ca_file": None, "mqtt.cert_file": None, "mqtt.key_file": None, "mqtt.tls_insecure": False,
    "mqtt.client_id": "bluecurrent-fimp", "mqtt.topic_prefix": "",
    "cloud.url": "wss://motown.bluecurrent.nl/haserver", "cloud.api_token": None, "cloud.command_timeout": 60,
    "cloud.offline_grace": 60,
    "fimp.resource_name": "bluecurrent", "fimp.resource_address": "1", "fimp.state_set": "standard",
    "charging.card": "", "charging.slow_current": 6, "charging.nominal_voltage": 230,
    "commands.max_age": 300, "storage.path": Path("data/bridge.db"), "http.listen": "127.0.0.1:8099",
    "log.level": "info", "log.format": "auto",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, no secrets, and none of our variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.delenv("BRIDGE_CONFIG", raising=False)
    (tmp_path / "secrets").mkdir()
    return tmp_path


def value(settings: Settings, key: str) -> object:
    """One value, by its key."""
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def faults(config: Path | None = None, *assignments: str) -> list[str]:
    """The lines of the fault that loading ends with."""
    with pytest.raises(SettingsFault) as caught:
        load(config, assignments)
    return list(caught.value.lines)


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load()
    assert set(KEYS) == set(DEFAULTS)
    assert {key: value(settings, key) for key in KEYS} == DEFAULTS


def test_who_wins(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "bridge.toml").write_text('[mqtt]\nhost = "file"\nport = 1\n[log]\nlevel = "debug"\n')
    assert load().mqtt.host == "file"
    (nowhere / "secrets/bridge_mqtt__host").write_text("secret\n")
    assert load().mqtt.host == "secret"
    monkeypatch.setenv("BRIDGE_MQTT__HOST", "environment")
    assert load().mqtt.host == "environment"
    assert load(None, ["mqtt.host=line"]).mqtt.host == "line"
    settings = load(None, ["mqtt.host=line"])
    assert (settings.mqtt.port, settings.log.level) == (1, "debug")


def test_which_file(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bridge.toml", "b.toml", "c.toml"):
        (nowhere / name).write_text(f'[mqtt]\nhost = "{name}"\n')
    assert load().mqtt.host == "bridge.toml"
    monkeypatch.setenv("BRIDGE_CONFIG", "b.toml")
    assert load().mqtt.host == "b.toml"
    assert load(Path("c.toml")).mqtt.host == "c.toml"


def test_secret_files(nowhere: Path) -> None:
    (nowhere / "secrets/bridge_cloud__api_token").write_text("  a-token \n")
    (nowhere / "secrets/bridge_mqtt__password").write_text("\n")
    (nowhere / "secrets/something_else").write_text("x")
    (nowhere / "secrets/bridge_note").write_text("x")
    (nowhere / "secrets/key.p12").write_bytes(bytes(range(256)))
    (nowhere / "secrets/folder").mkdir()
    settings = load()
    assert settings.cloud.api_token is not None
    assert settings.cloud.api_token.get_secret_value() == "a-token"
    assert settings.mqtt.password is None
    assert "a-token" not in repr(settings)


def test_an_empty_secret_means_none(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "bridge.toml").write_text('[cloud]\napi_token = ""\n[mqtt]\nusername = ""\n')
    assert load().cloud.api_token is None
    assert load().mqtt.username is None
    monkeypatch.setenv("BRIDGE_CLOUD__API_TOKEN", "")
    assert load().cloud.api_token is None


def test_an_empty_secret_file_hides_nothing(nowhere: Path) -> None:
    (nowhere / "bridge.toml").write_text('[cloud]\napi_token = "from-the-file"\n')
    (nowhere / "secrets/bridge_cloud__api_token").write_text("")
    token = load().cloud.api_token
    assert token is not None
    assert token.get_secret_value() == "from-the-file"


def test_variables_without_a_section_are_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HTTP", "1")
    monkeypatch.setenv("BRIDGE_NETWORK", "x")
    monkeypatch.setenv("BRIDGE_MQTT", '{"host": "x"}')
    assert load().mqtt.host == "localhost"


def test_a_number_can_be_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_MQTT__USERNAME", "123")
    monkeypatch.setenv("BRIDGE_FIMP__RESOURCE_ADDRESS", "7")
    settings = load()
    assert (settings.mqtt.username, settings.fimp.resource_address) == ("123", "7")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[mqtt]\nhosst = "x"\n', "bridge.toml: mqtt.hosst: unknown key; did you mean mqtt.host?"),
        ("[mqqt]\nport = 1\n", "bridge.toml: mqqt: unknown section; did you mean mqtt?"),
        ("mqtt = 5\n", "bridge.toml: mqtt: must be a section, with keys in it"),
        ("[mqtt]\nport = 70000\n", "bridge.toml: mqtt.port: input should be less than or equal to 65535"),
        ('[mqtt]\nport = "x"\n', "bridge.toml: mqtt.port: input should be a valid integer"),
        ('[fimp]\nstate_set = "all"\n', "bridge.toml: fimp.state_set: input should be 'standard' or 'extended'"),
        ('[cloud]\nurl = "http://x"\n', "bridge.toml: cloud.url: "),
        ("[cloud]\ncommand_timeout = 0\n", "bridge.toml: cloud.command_timeout: input should be greater than 0"),
        (
            "[charging]\nslow_current = 5\n",
            "bridge.toml: charging.slow_current: input should be greater than or equal to 6",
        ),
        ('[fimp]\nresource_name = "a/b"\n', "bridge.toml: fimp.resource_name: "),
        ('[mqtt]\ntopic_prefix = "a/#"\n', "bridge.toml: mqtt.topic_prefix: "),
        ('[http]\nlisten = "nowhere"\n', "bridge.toml: http.listen: "),
        ('[http]\nlisten = "localhost:65536"\n', "bridge.toml: http.listen: value error, a port is 65535 at the most"),
        ('[log]\nlevel = "loud"\n', "bridge.toml: log.level: input should be 'trace', "),
        ("[mqtt\n", "bridge.toml: is not TOML: "),
    ],
)
def test_a_fault_is_one_line_that_names_the_key(nowhere: Path, text: str, line: str) -> None:
    (nowhere / "bridge.toml").write_text(text)
    (found,) = faults()
    assert found.startswith(line)
    assert "\n" not in found


def test_faults_of_every_origin(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_MQTT__PORTT", "1")
    monkeypatch.setenv("BRIDGE_CLOWD__URL", "x")
    monkeypatch.setenv("BRIDGE_MQTT__TLS", "maybe")
    (nowhere / "secrets/bridge_cloud__api_tokn").write_text("a-token")
    found = faults(None, "log.level=loud", "nonsense", "mqtt.hots=x")
    assert "environment variable BRIDGE_MQTT__PORTT: mqtt.portt: unknown key; did you mean mqtt.port?" in found
    assert "environment variable BRIDGE_CLOWD__URL: clowd.url: unknown key; did you mean cloud.url?" in found
    assert any(line.startswith("environment variable BRIDGE_MQTT__TLS: mqtt.tls: ") for line in found)
    assert any(line.endswith("cloud.api_tokn: unknown key; did you mean cloud.api_token?") for line in found)
    assert any(line.startswith("command line: log.level: ") for line in found)
    assert "command line: nonsense: must be KEY=VALUE" in found
    assert "command line: mqtt.hots: unknown key; did you mean mqtt.host?" in found
    assert len(found) == 7
    assert not any("a-token" in line for line in found)


def test_a_secret_that_cannot_be_read(nowhere: Path) -> None:
    (nowhere / "secrets/bridge_cloud__api_token").write_bytes(b"\xff\xfe")
    (found,) = faults()
    assert "bridge_cloud__api_token: cannot be read" in found


def test_a_file_that_was_named_must_be_there(nowhere: Path) -> None:
    assert faults(Path("nothing.toml")) == ["nothing.toml: cannot be read: No such file or directory"]
    assert "Is a directory" in faults(nowhere)[0]


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("", None),
        ("127.0.0.1:8099", ("127.0.0.1", 8099)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:8099", ("::1", 8099)),
    ],
)
def test_where_http_listens(listen: str, address: tuple[str, int] | None) -> None:
    assert load(None, [f"http.listen={listen}"]).http.address == address


def test_the_annotated_file_holds_every_key_at_its_default() -> None:
    path = Path(__file__).parents[2] / "config/bridge.toml"
    lines = path.read_text().splitlines()
    # Every key stands there, commented out where it has no default worth writing.
    bare = "\n".join(
        line.removeprefix("#") if line.startswith("#") and "=" in line and "# " not in line[:2] else line
        for line in lines
    )
    data = tomllib.loads(bare)
    found = {f"{section}.{name}" for section, entries in data.items() for name in entries}
    assert found == set(KEYS)
    load(path)
