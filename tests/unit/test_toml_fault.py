"""A settings file that is not TOML: the message has the line and what is likely wrong, and never a secret."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.settings import KEYS, Settings
from bridge.toml_fault import explain_toml

KNOWN = [*Settings.model_fields, *KEYS]


def explain(text: str) -> str:
    """The description of the fault in a text."""
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(f"{text}\n")
    return explain_toml(text, caught.value, KNOWN)


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("[mqtt]\nhost = hub.local", "line 2, host = hub.local", 'A text stands in quotes: host = "hub.local".'),
        ("[mqtt]\r\nhost = hub\r", "line 2, host = hub:", 'A text stands in quotes: host = "hub".'),
        ("[mqtt]\nhost = 192.168.1.2", "line 2, host = 192.168.1.2", 'host = "192.168.1.2"'),
        ("[mqtt]\nhost = hub # mine", "line 2, host = hub # mine", 'host = "hub".'),
        ("[mqtt]\nhost = \u201chub\u201d", "line 2, host = \u201chub\u201d", "word processor has put \u201c in"),
        ('[mqtt]\n\u201ahost\u2018 = "hub"', "line 2", "write plain quotes"),
        ('[mqtt]\nhost = "hub\nport = 1', 'line 2, host = "hub', 'The quotes are not closed: add ".'),
        ('[mqtt\nhost = "a"', "line 1, [mqtt", "between [ and ]"),
        ('[mqtt] host = "a"', 'line 1, [mqtt] host = "a"', "on a line of its own"),
        ('host: "a"', 'line 1, host: "a"', "Write : as =."),
        ('[mqtt]\nhost "a"', 'line 2, host "a"', "with = between"),
        ("[mqtt]\nhost =", "line 2, host =", "Write a value after the =, or remove host."),
        ('[mqtt]\nhost = "a",\nport = 1', 'line 2, host = "a",', "Remove the , at the end."),
        ('[mqtt]\nhost = "a" b', 'line 2, host = "a" b', "Only a comment may follow"),
        ("[mqtt]\nport = 1\nport = 2", "line 3, port = 2", "twice"),
        ("[mqtt]\nport = 1\n[mqtt]", "line 3, [mqtt]", "put all its keys under one"),
        ("[mqtt]\nport = 01883", "line 2, port = 01883", "without a 0 in front"),
        ("[charging]\nnominal_voltage = 230,5", "line 2, nominal_voltage = 230,5", "with a point"),
        ("[mqtt]\ntls = True", "line 2, tls = True", "Write true."),
        ("[mqtt]\ntls = yes", "line 2, tls = yes", "Write true or false."),
        ('[storage]\npath = "C:\\data\\x.db"', 'line 2, path = "C:', "single quotes"),
        ('mqtt = {host = "a" port = 1}', 'line 1, mqtt = {host = "a" port = 1}', "A comma stands between"),
        ("x = [1, 2", "", "A list ends with ], and a comma"),
        ('a = """x', "", "ends with the same quotes"),
    ],
)
def test_the_line_and_the_likely_cause(text: str, line: str, cause: str) -> None:
    fault = explain(text)
    assert line in fault
    assert cause in fault
    assert "\n" not in fault


@pytest.mark.parametrize(
    "text",
    [
        "[mqtt]\npassword = SECRET x",
        "[mqtt]\npassword SECRET",
        '[mqtt]\npassword: "SECRET"',
        '[mqtt]\npassword = "SECRET',
        "[mqtt]\npasword = SECRET",
        "[cloud]\napi-token = SECRET",
        "[cloud]\napi_token = \u201cSECRET\u201d",
        "api_token = SECRET",
        "cloud.api_token = SECRET",
        "mqtt = {host = 'x', password = SECRET}",
        "mqtt = {host = 'x' password = 'SECRET'}",
        "SECRET",
        "SECRET==",
        "token=SECRET",
        "key = SECRET",
        "\n\nSECRET\n",
    ],
)
def test_a_secret_is_not_shown(text: str) -> None:
    assert "SECRET" not in explain(text)


@given(st.text(alphabet="[]{}=\"',.:#\n\\ abthospw019-\u201c", max_size=60))
def test_any_text_is_explained_in_one_line(text: str) -> None:
    try:
        tomllib.loads(f"{text}\n")
    except ValueError as error:
        fault = explain_toml(text, error, KNOWN)
    else:
        return
    assert fault
    assert "\n" not in fault
