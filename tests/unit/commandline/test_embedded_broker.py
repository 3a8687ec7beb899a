"""Ports for servers that are started a moment later."""

import socket

from bridge.commandline.embedded_broker import LOOPBACK, PORTS, free_port


def test_a_port_is_none_that_the_system_gives_to_others_meanwhile() -> None:
    assert {free_port() in PORTS for _ in range(20)} == {True}


def test_the_preferred_port_is_taken_if_it_is_free() -> None:
    port = free_port()
    assert free_port(port) == port
    with socket.socket() as server:
        server.bind((LOOPBACK, port))
        server.listen()
        assert free_port(port) != port
