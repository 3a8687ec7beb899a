"""The checks of the broker that need none."""

from datetime import UTC, datetime
from pathlib import Path

import trustme

from bridge.checkup.broker import look_at_broker
from bridge.settings import Settings


async def test_a_key_without_a_certificate_is_noted(tmp_path: Path) -> None:
    key = tmp_path / "client.key"
    trustme.CA().private_key_pem.write_to_path(str(key))
    settings = Settings(mqtt={"host": "127.0.0.1", "port": 1, "tls": True, "key_file": key})
    found = [finding async for finding in look_at_broker(settings, lambda: datetime.now(UTC))]
    assert (found[0].what, found[0].says) == ("broker TLS", "mqtt.key_file has no effect without mqtt.cert_file")
