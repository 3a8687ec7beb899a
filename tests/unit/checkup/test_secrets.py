"""The notes of `check` on valid but suspicious secrets."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.checkup.finding import Finding, Mark
from bridge.checkup.secrets import look_at_secrets
from bridge.settings import MqttSettings, Settings


@pytest.fixture(autouse=True)
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of secret files."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("BRIDGE_SECRETS_DIR", str(folder))
    return folder


def says(found: list[Finding]) -> list[str]:
    assert all(finding.mark is Mark.NOTE for finding in found)
    return [finding.says for finding in found]


def test_correct_secrets_have_no_finding(secrets: Path) -> None:
    (secrets / "bridge_mqtt__password").write_text("right")
    (secrets / "bridge_of_sighs").write_text("x")
    (secrets / "key.p12").write_bytes(bytes(range(256)))
    assert look_at_secrets(Settings(mqtt=MqttSettings(password=SecretStr("right"))), {}) == []


def test_a_missing_folder_of_secrets_is_found(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets.rmdir()
    assert says(look_at_secrets(Settings(), {})) == [
        f"BRIDGE_SECRETS_DIR names {secrets}, which is not a folder. Correct it, or unset it."
    ]
    monkeypatch.delenv("BRIDGE_SECRETS_DIR")
    assert look_at_secrets(Settings(), {}) == []


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_of_a_secret_is_found(secrets: Path, content: bytes) -> None:
    path = secrets / "bridge_cloud__api_token"
    path.write_bytes(content)
    assert says(look_at_secrets(Settings(), {})) == [
        f"{path} is empty and counts as none. Write the value into it, or remove it."
    ]


def test_a_file_with_a_misspelt_name_is_found(secrets: Path) -> None:
    path = secrets / "bridge_mqtt_password"
    path.write_text("x")
    assert says(look_at_secrets(Settings(), {})) == [
        f"{path} is not read: the file must be named bridge_mqtt__password. Rename it."
    ]


@pytest.mark.parametrize(
    ("password", "words"),
    [
        (" s3cr3t", "begins or ends with a blank or a line end"),
        ("s3cr3t\n", "begins or ends with a blank or a line end"),
        ('"s3cr3t"', "is in quotes"),
        ("s3\u200bcr3t", "has a character that cannot be seen"),
    ],
)
def test_a_password_with_blanks_quotes_or_invisible_characters_is_noted(password: str, words: str) -> None:
    settings = Settings(mqtt=MqttSettings(password=SecretStr(password)))
    (line,) = says(look_at_secrets(settings, {"mqtt.password": "bridge.toml"}))
    assert line == f"mqtt.password {words}, and is sent exactly as it is. If that is not intended, correct bridge.toml."
    assert "cr3t" not in line
