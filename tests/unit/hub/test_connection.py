"""A failure of the connection to the broker is described with the setting to check."""

import aiomqtt
import pytest

from bridge.hub.connection import explain


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("closed the connection before it answered", ("mqtt.port", "mqtt.tls", "mqtt.cert_file")),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required", ("mqtt.cert_file",)),
        ("Operation timed out", ("mqtt.host", "mqtt.port", "mqtt.tls", "mqtt.cert_file")),
        ("[code:135] Not authorized", ("mqtt.username",)),
        ("[Errno 111] Connection refused", ("mqtt.host", "mqtt.port")),
    ],
)
def test_a_failure_names_the_settings_to_check(text: str, settings: tuple[str, ...]) -> None:
    reason = explain(aiomqtt.MqttError(text), "hub.local:8883")
    assert "hub.local:8883" in reason
    assert [name for name in settings if name not in reason] == []
