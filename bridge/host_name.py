"""Checks the host in a setting before anything connects to it. Pure."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

_NO_HOST: Final = "must be a name or an address and nothing else"


def host_of(text: str) -> str:
    """Return a host name or address, an IPv6 address without brackets.

    Raises:
        ValueError: it is neither; the message says what is wrong.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare or bare != text:
        try:
            ipaddress.IPv6Address(bare)
        except ValueError:
            raise ValueError(_NO_HOST) from None
    elif not bare or any(character.isspace() or not character.isprintable() for character in bare):
        raise ValueError(_NO_HOST)
    else:
        try:
            bare.encode("idna")
        except UnicodeError:
            raise ValueError(f"{_NO_HOST}: each part of a name has 1 to 63 characters") from None
    return bare


def websocket_url(text: str) -> str:
    """Return a URL that the websocket library can connect to.

    Raises:
        ValueError: it cannot; the message says what is wrong.
    """
    if not text.startswith(("wss://", "ws://")):
        raise ValueError("must begin with wss:// or ws://")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise ValueError(f"must be of the form wss://HOST:PORT/PATH: {error}") from None
    if not url.hostname or port == 0 or url.username is not None or url.fragment:
        raise ValueError("must be of the form wss://HOST:PORT/PATH")
    try:
        host_of(url.hostname)
    except ValueError as error:
        raise ValueError(f"the host {error}") from None
    return text
