"""Settings: their sources, precedence and faults."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.secret_text import secret_of
from bridge.settings import KEYS, Settings
from bridge.settings_sources import load
from tests.unit.setting_faults import faults

DEFAULTS = {
    "mqtt.host": "localhost", "mqtt.port": 1883, "mqtt.username": None, "mqtt.password": None, "mqtt.tls": False,
    "mqtt.ca_file": None, "mqtt.cert_file": None, "mqtt.key_file": None, "mqtt.tls_insecure": False,
    "mqtt.client_id": "bluecurrent-fimp", "mqtt.topic_prefix": "",
    "cloud.url": "wss://motown.bluecurrent.nl/haserver", "cloud.api_token": None, "cloud.record_file": None, "cloud.command_timeout": 60,
    "cloud.offline_grace": 60,
    "fimp.resource_name": "bluecurrent", "fimp.resource_address": "1", "fimp.state_set": "standard",
    "charging.card": "", "charging.slow_current": 6, "charging.nominal_voltage": 230,
    "commands.max_age": 300, "storage.path": Path("data/bridge.db"), "http.listen": "127.0.0.1:8099",
    "log.level": "info", "log.format": "auto",
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("nowhere")


def value(settings: Settings, key: str) -> object:
    """One value, by its key."""
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load()
    assert set(KEYS) == set(DEFAULTS)
    assert {key: value(settings, key) for key in KEYS} == DEFAULTS


def test_the_command_line_precedes_environment_secrets_and_file(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "bridge.toml").write_text('[mqtt]\nhost = "file"\nport = 1\n[log]\nlevel = "debug"\n')
    assert load().mqtt.host == "file"
    (nowhere / "secrets/bridge_mqtt__host").write_text("secret\n")
    assert load().mqtt.host == "secret"
    monkeypatch.setenv("BRIDGE_MQTT__HOST", "environment")
    assert load().mqtt.host == "environment"
    assert load(None, ["mqtt.host=line"]).mqtt.host == "line"
    settings = load(None, ["mqtt.host=line"])
    assert (settings.mqtt.port, settings.log.level) == (1, "debug")


def test_the_file_of_the_command_line_precedes_the_variable_and_the_default(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bridge.toml", "b.toml", "c.toml"):
        (nowhere / name).write_text(f'[mqtt]\nhost = "{name}"\n')
    assert load().mqtt.host == "bridge.toml"
    monkeypatch.setenv("BRIDGE_CONFIG", "b.toml")
    assert load().mqtt.host == "b.toml"
    assert load(Path("c.toml")).mqtt.host == "c.toml"


def test_secrets_are_read_from_files(nowhere: Path) -> None:
    (nowhere / "secrets/bridge_cloud__api_token").write_text("  a-token \n")
    (nowhere / "secrets/bridge_mqtt__password").write_text("\n")
    (nowhere / "secrets/something_else").write_text("x")
    (nowhere / "secrets/bridge_note").write_text("x")
    (nowhere / "secrets/bridge__note").write_text("x")
    (nowhere / "secrets/key.p12").write_bytes(bytes(range(256)))
    (nowhere / "secrets/folder").mkdir()
    settings = load()
    assert secret(settings.cloud.api_token) == "a-token"
    assert settings.mqtt.password is None
    assert "a-token" not in repr(settings)


def secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"pass", "pass"),
        (b"pass\n", "pass"),
        (b"pass\r\n", "pass"),
        (b"pass\n\n", "pass\n"),
        (b"pass\r", "pass\r"),
        (b" pass word \n", " pass word "),
        (b"\tpass\t", "\tpass\t"),
        (b'"pass"\n', '"pass"'),
        (b"\xef\xbb\xbfpass\r\n", "pass"),
        ("\u200bpass\n".encode(), "pass"),
        ("\u2060\ufeffpa\u200bss".encode(), "pa\u200bss"),
        ("wachtwoörd\n".encode(), "wachtwoörd"),
        (b"  \n", "  "),
        (b"\n", None),
        (b"\r\n", None),
        (b"", None),
        (b"\xef\xbb\xbf\r\n", None),
    ],
)
def test_a_password_from_a_file_is_taken_to_the_letter(nowhere: Path, content: bytes, password: str | None) -> None:
    (nowhere / "secrets/bridge_mqtt__password").write_bytes(content)
    assert secret(load().mqtt.password) == password


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1))
def test_a_password_is_kept_as_written(password: str) -> None:
    """The text of a file without one line end and without invisible characters at the beginning."""
    visible = password.lstrip("\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\u180e\u00ad")
    for end in ("\n", "\r\n"):
        for mark in ("", "\ufeff", "\u200b"):
            assert secret_of(f"{mark}{password}{end}".encode()) == visible.removesuffix("\r" if end == "\n" else "")


def test_a_password_keeps_its_blanks_from_every_source(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "bridge.toml").write_text('[mqtt]\npassword = " file "\n')
    assert secret(load().mqtt.password) == " file "
    monkeypatch.setenv("BRIDGE_MQTT__PASSWORD", "'environment' ")
    assert secret(load().mqtt.password) == "'environment' "
    assert secret(load(None, ["mqtt.password= command = line "]).mqtt.password) == " command = line "


def write_token(where: str, token: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a token into one source; returns the assignments of the command line."""
    match where:
        case "file":
            (nowhere / "secrets/bridge_cloud__api_token").write_text(f"{token}\n", encoding="utf-8")
        case "environment":
            monkeypatch.setenv("BRIDGE_CLOUD__API_TOKEN", token)
        case "toml":
            (nowhere / "bridge.toml").write_text(f"[cloud]\napi_token = {json.dumps(token)}\n", encoding="utf-8")
        case "line":
            return [f"cloud.api_token={token}"]
    return []


SOURCES = ("file", "environment", "toml", "line")


@pytest.mark.parametrize("where", SOURCES)
@pytest.mark.parametrize(
    "token", ["s3cr3t", " s3cr3t ", "\ufeffs3cr3t", "\u200b s3cr3t\u200b", "s3cr3t\r\n", "\u00a0s3cr3t"]
)
def test_blanks_around_a_token_are_removed(
    where: str, token: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignments = write_token(where, token, nowhere, monkeypatch)
    assert secret(load(None, assignments).cloud.api_token) == "s3cr3t"


@pytest.mark.parametrize("where", SOURCES)
@pytest.mark.parametrize(
    ("token", "words"),
    [
        ('"s3cr3t"', "is in quotes. Remove them"),
        ("'s3cr3t'", "is in quotes"),
        ("\u201cs3cr3t\u201d", "is in quotes"),
        ('s3cr3t"', "is in quotes"),
        ('""', "is in quotes"),
        ("s3 cr3t", "has a blank or a line end inside. Copy it again"),
        ("Token s3cr3t", "has a blank"),
        ("s3\ncr3t", "has a blank"),
        ("s3\u00a0cr3t", "has a blank"),
        ("s3\u200bcr3t", "cannot be seen (U+200B)"),
        ("s3\x07cr3t", "cannot be seen (U+0007)"),
    ],
)
def test_an_invalid_token_is_named(
    where: str, token: str, words: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignments = write_token(where, token, nowhere, monkeypatch)
    (line,) = faults(None, *assignments)
    assert "cloud.api_token: the token " in line
    assert words in line
    assert "s3" not in line
    assert "cr3t" not in line


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-8"])
def test_a_toml_file_may_begin_with_a_byte_order_mark(nowhere: Path, mark: str) -> None:
    (nowhere / "bridge.toml").write_text('[mqtt]\nhost = "höb"\n', encoding=mark)
    assert load().mqtt.host == "höb"


def test_a_toml_file_in_another_encoding_is_named_with_the_cure(nowhere: Path) -> None:
    (nowhere / "bridge.toml").write_text('[mqtt]\nhost = "hub"\n', encoding="utf-16")
    assert faults() == ["bridge.toml: cannot be read: it is UTF-16. Save it as UTF-8."]
    (nowhere / "bridge.toml").write_bytes(b'[mqtt]\nhost = "h\xf6b"\n')
    assert faults() == ["bridge.toml: cannot be read: byte 17 is not UTF-8. Save it as UTF-8."]


@pytest.mark.parametrize(
    ("text", "host", "where"),
    [
        ("::1", "::1", "[::1]:1883"),
        ("[::1]", "::1", "[::1]:1883"),
        ("[fe80::1%eth0]", "fe80::1%eth0", "[fe80::1%eth0]:1883"),
        (" hub.local ", "hub.local", "hub.local:1883"),
        ("192.168.1.2", "192.168.1.2", "192.168.1.2:1883"),
    ],
)
def test_a_host_is_a_name_or_an_address(text: str, host: str, where: str) -> None:
    mqtt = load(None, [f"mqtt.host={text}"]).mqtt
    assert (mqtt.host, mqtt.where) == (host, where)


@pytest.mark.parametrize("text", ["hub.local:1884", "mqtt://hub.local", "[hub]", "[::1]:1884", "[]", "[::1"])
def test_a_host_with_a_scheme_or_port_is_named_with_the_cure(text: str) -> None:
    (line,) = faults(None, f"mqtt.host={text}")
    assert line.startswith("command line: mqtt.host: must be a name or an address and nothing else; a port goes into ")


def test_an_empty_secret_means_none(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "bridge.toml").write_text('[cloud]\napi_token = ""\n[mqtt]\nusername = ""\n')
    assert load().cloud.api_token is None
    assert load().mqtt.username is None
    monkeypatch.setenv("BRIDGE_CLOUD__API_TOKEN", "")
    assert load().cloud.api_token is None


def test_an_empty_secret_file_does_not_override_other_sources(nowhere: Path) -> None:
    (nowhere / "bridge.toml").write_text('[cloud]\napi_token = "from-the-file"\n')
    (nowhere / "secrets/bridge_cloud__api_token").write_text("")
    token = load().cloud.api_token
    assert token is not None
    assert token.get_secret_value() == "from-the-file"


def test_variables_without_a_section_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HTTP", "1")
    monkeypatch.setenv("BRIDGE_NETWORK", "x")
    monkeypatch.setenv("BRIDGE_MQTT", '{"host": "x"}')
    monkeypatch.setenv("BRIDGE_CLOUD", "no JSON")
    monkeypatch.setenv("BRIDGE__X", "1")
    monkeypatch.setenv("BRIDGE_", "1")
    assert load().mqtt.host == "localhost"


def test_a_number_is_accepted_as_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
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
        ("[mqtt]\nport = 70000\n", "bridge.toml: mqtt.port: must be less than or equal to 65535"),
        ('[mqtt]\nport = "x"\n', "bridge.toml: mqtt.port: must be a whole number"),
        ('[fimp]\nstate_set = "all"\n', "bridge.toml: fimp.state_set: must be 'standard' or 'extended'"),
        ('[cloud]\nurl = "http://x"\n', "bridge.toml: cloud.url: "),
        ("[cloud]\ncommand_timeout = 0\n", "bridge.toml: cloud.command_timeout: must be greater than 0"),
        (
            "[charging]\nslow_current = 5\n",
            "bridge.toml: charging.slow_current: must be greater than or equal to 6",
        ),
        ('[fimp]\nresource_name = "a/b"\n', "bridge.toml: fimp.resource_name: "),
        (f"[mqtt]\nport = 1{'0' * 5_000}\n", "bridge.toml: is not TOML: "),
        (f"a = {'[' * 100_000}", "bridge.toml: is not TOML: it is nested too deeply"),
        ('[mqtt]\n"a\\nb\\u001b" = 1\n', "bridge.toml: mqtt.a\\nb\\x1b: unknown key"),
        ('[mqtt]\ntopic_prefix = "a/#"\n', "bridge.toml: mqtt.topic_prefix: "),
        ('[mqtt]\ntopic_prefix = "a/\\u0007"\n', "bridge.toml: mqtt.topic_prefix: must be a plain name"),
        ('[mqtt]\ntopic_prefix = "a/\\uffff"\n', "bridge.toml: mqtt.topic_prefix: must be a plain name"),
        (f'[mqtt]\ntopic_prefix = "a{"/a" * 200}"\n', "bridge.toml: mqtt.topic_prefix: must be a plain name"),
        ('[http]\nlisten = "nowhere"\n', "bridge.toml: http.listen: "),
        ('[http]\nlisten = "localhost:65536"\n', "bridge.toml: http.listen: a port is 65535 at the most"),
        ('[storage]\npath = ""\n', "bridge.toml: storage.path: must name a file, such as data/bridge.db"),
        ('[storage]\npath = "/"\n', "bridge.toml: storage.path: must name a file, such as data/bridge.db"),
        ('[log]\nlevel = "loud"\n', "bridge.toml: log.level: must be 'trace', "),
        ("[mqtt\n", "bridge.toml: is not TOML: "),
        (
            "[mqtt]\nhost = \u201chub\u201d\n",
            "bridge.toml: is not TOML: line 2, host = \u201chub\u201d: invalid value. A word ",
        ),
    ],
)
def test_a_fault_is_one_line_that_names_the_key(nowhere: Path, text: str, line: str) -> None:
    (nowhere / "bridge.toml").write_text(text)
    (found,) = faults()
    assert found.startswith(line)
    assert "\n" not in found


def test_faults_name_their_origin(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_secret_that_cannot_be_read_is_named(nowhere: Path) -> None:
    (nowhere / "secrets/bridge_cloud__api_token").write_bytes(b"\xff\xfe")
    (found,) = faults()
    assert found.endswith("bridge_cloud__api_token: cannot be read: it is UTF-16. Save it as UTF-8.")


def test_a_variable_below_a_key_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_MQTT__HOST", "x")
    monkeypatch.setenv("BRIDGE_MQTT__HOST__PORT", "1")
    (found,) = faults()
    assert "mqtt.host__port: unknown key; did you mean mqtt.port?" in found or "mqtt.host?" in found


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
def test_the_address_of_http_is_parsed(listen: str, address: tuple[str, int] | None) -> None:
    assert load(None, [f"http.listen={listen}"]).http.address == address


def test_the_annotated_file_holds_every_key_at_its_default() -> None:
    path = Path(__file__).parents[2] / "config/bridge.toml"
    lines = path.read_text().splitlines()
    # The file has every key; those without a useful default are commented out.
    bare = "\n".join(
        line.removeprefix("#") if line.startswith("#") and "=" in line and "# " not in line[:2] else line
        for line in lines
    )
    data = tomllib.loads(bare)
    found = {f"{section}.{name}" for section, entries in data.items() for name in entries}
    assert found == set(KEYS)
    load(path)
