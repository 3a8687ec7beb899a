"""The container's health check with a healthy, an unhealthy and a missing server."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.commandline import health
from bridge.commandline.embedded_broker import free_port
from bridge.settings import HttpSettings


@contextmanager
def server(status: int) -> Iterator[int]:
    """A server that answers with one status; returns its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            return

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving.server_address[1]
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_service_that_answers_is_healthy_wherever_it_listens(host: str) -> None:
    with server(200) as port:
        assert health.health(HttpSettings(listen=f"{host}:{port}")) is None


def test_another_answer_is_reported() -> None:
    with server(503) as port:
        assert health.health(HttpSettings(listen=f"127.0.0.1:{port}")) == f"127.0.0.1:{port}/healthz answers 503"


def test_a_missing_answer_is_reported() -> None:
    listen = f"127.0.0.1:{free_port()}"
    assert (health.health(HttpSettings(listen=listen)) or "").startswith(f"{listen} does not answer")


def test_a_service_without_http_is_healthy() -> None:
    assert health.health(HttpSettings(listen="")) is None


def test_the_health_check_reads_the_settings_of_the_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(200) as port:
        monkeypatch.setenv("BRIDGE_HTTP__LISTEN", f"127.0.0.1:{port}")
        assert health.main() == 0
    monkeypatch.setenv("BRIDGE_HTTP__LISTEN", "nonsense")
    assert health.main() == 1
    assert "http.listen" in capsys.readouterr().err
