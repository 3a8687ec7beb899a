"""Connecting a client other than the service to the broker, without closing the connection of the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from bridge.hub.connection import explain, visitor_access
from bridge.settings import MqttSettings


class BrokerProblem(Exception):
    """The broker cannot be reached. The text names the setting to correct."""


@asynccontextmanager
async def visitor(settings: MqttSettings) -> AsyncIterator[aiomqtt.Client]:
    """Connect with a random client id and a clean session.

    Raises:
        BrokerProblem: the broker cannot be reached, or refuses.
    """
    try:
        client = aiomqtt.Client(**visitor_access(settings))
        client._client.disable_logger()  # paho logs failures that are raised too, and a command prints them once
        async with client:
            yield client
    except (aiomqtt.MqttError, OSError) as error:
        raise BrokerProblem(explain(error, settings.where)) from error
