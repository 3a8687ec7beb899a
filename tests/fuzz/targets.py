"""The targets: each takes any bytes, and may raise nothing. What a parser's own error says is not looked at.

Each has a corpus in `corpus/NAME`: small inputs that reach far into it, and every input that once found a fault.
"""

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.bluecurrent.frames import BadFrame, parse_frame
from bridge.errors import InvalidValue, Malformed
from bridge.fimp.message import MAX_BYTES, Message
from bridge.fimp.topic import InvalidTopic, Topic
from bridge.fimp.values import fits
from bridge.recording.lines import NoRecording, read_recording, write_head, write_line
from bridge.settings_sources import SettingsFault, load
from tests.way_out import topic_faults

CORPUS = Path(__file__).with_name("corpus")

Target = Callable[[bytes], None]


def frames(data: bytes) -> None:
    """A frame from the cloud, as bytes and as the text that a websocket gives."""
    for text in (data, data.decode("utf-8", "surrogateescape")):
        try:
            frame = parse_frame(text)
        except BadFrame:
            continue
        assert all(isinstance(oddity, str) for oddity in frame.oddities)
        frame.concerns("BCU1")


def messages(data: bytes) -> None:
    """A command from the broker. Writing and reading a parsed message gives an equal one."""
    try:
        message = Message.parse(data)
    except Malformed as error:
        assert error.uid is None or len(error.uid) <= 256
        return
    for value_type in ("string", "int", "float", "bool", "null", "str_array", "float_map", "object", "bin"):
        fits(value_type, message.value)
    try:
        message.property("charging_mode")
    except InvalidValue:
        pass
    if not _has_infinity([message.value, dict(message.properties), list(message.tags)]):
        assert Message.parse(message.to_bytes()).uid == message.uid


def _has_infinity(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_infinity, value.values()))
    if isinstance(value, list):
        return any(map(_has_infinity, value))
    return isinstance(value, float) and not math.isfinite(value)


def gzipped(data: bytes) -> None:
    """A compressed command: never more in memory than a message may hold."""
    try:
        message = Message.parse(data, "j1c1")
    except Malformed:
        return
    assert len(message.to_bytes()) <= 8 * MAX_BYTES


def topics(data: bytes) -> None:
    """A topic. A parsed topic is written as it was read, and is valid MQTT."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        topic = Topic.parse(text)
    except InvalidTopic as error:
        assert len(str(error)) < 3_000
        return
    assert topic.path == text
    assert not list(topic_faults(text))


def recordings(data: bytes) -> None:
    """A recording. Writing and reading a parsed recording gives an equal one."""
    try:
        recording = read_recording(data.decode("utf-8", "replace").split("\n"))
    except NoRecording:
        return
    lines = [write_head(recording.head), *map(write_line, recording.lines)]
    again = read_recording([json.dumps(line) for line in lines])
    assert len(again.lines) == len(recording.lines)


def settings(data: bytes) -> None:
    """A settings file: settings, or faults with a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bridge.toml"
        file.write_bytes(data)
        try:
            load(file)
        except SettingsFault as fault:
            assert fault.lines
            assert all("\n" not in line for line in fault.lines)


TARGETS: Mapping[str, Target] = {
    "frames": frames,
    "messages": messages,
    "gzip": gzipped,
    "topics": topics,
    "recordings": recordings,
    "settings": settings,
}


def corpus(name: str) -> list[Path]:
    """The corpus of a target."""
    return sorted(path for path in (CORPUS / name).iterdir() if path.is_file())
