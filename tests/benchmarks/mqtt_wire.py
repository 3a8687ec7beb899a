"""The part of MQTT 3.1.1 that the measurements need, as bytes, so that no figure contains the time of a library."""

from collections.abc import Iterator
from typing import Final

CONNACK_BYTES: Final = 4
PUBLISH: Final = 3
PUBACK: Final = 4
_QOS: Final = 0x06


def connect(client_id: str) -> bytes:
    """CONNECT with a clean session and no keep-alive."""
    return _packet(0x10, _text(b"MQTT") + b"\x04\x02\x00\x00" + _text(client_id.encode()))


def subscribe(topic_filter: str) -> bytes:
    """SUBSCRIBE at QoS 1."""
    return _packet(0x82, b"\x00\x01" + _text(topic_filter.encode()) + b"\x01")


def acknowledge(first: int, body: bytes) -> bytes:
    """The PUBACK for a PUBLISH; empty if it needs none."""
    if not first & _QOS:
        return b""
    end = 2 + int.from_bytes(body[:2], "big")
    return b"\x40\x02" + body[end : end + 2]


def publish(topic: bytes, payload: bytes, packet_id: int) -> bytes:
    """PUBLISH at QoS 1.

    Args:
        topic: in UTF-8.
        payload: any bytes.
        packet_id: 1 to 65535.
    """
    return _packet(0x32, _text(topic) + packet_id.to_bytes(2, "big") + payload)


class Splitter:
    """Cuts a stream of bytes into packets."""

    def __init__(self) -> None:
        self._left = b""

    def packets(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The packets that these bytes complete: the first byte, and the part after the length."""
        data, at = self._left + data, 0
        while (head := _length(data, at)) is not None:
            length, start = head
            if start + length > len(data):
                break
            yield data[at], data[start : start + length]
            at = start + length
        self._left = data[at:]


def read_publish(first: int, body: bytes) -> tuple[str, bytes]:
    """Topic and payload of a PUBLISH."""
    end = 2 + int.from_bytes(body[:2], "big")
    return body[2:end].decode(), body[end + 2 if first & _QOS else end :]


def _text(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def _packet(first: int, body: bytes) -> bytes:
    left, length = len(body), bytearray()
    while True:
        left, digit = left >> 7, left & 0x7F
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes((first, *length)) + body


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """The remaining length of the packet at `at`, and the start of its body; None if the length is incomplete."""
    value = 0
    for index in range(4):
        where = at + 1 + index
        if where >= len(data):
            return None
        value |= (data[where] & 0x7F) << (7 * index)
        if not data[where] & 0x80:
            return value, where + 1
    raise ValueError("the length of a packet has four bytes at most")
