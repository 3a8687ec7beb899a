"""The command `replay`."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bridge.commandline.plain_text import one_line
from bridge.commandline.process import FAILED, complain


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file written by cloud.record_file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print each message as a JSON object on a line.")] = False,
) -> None:
    """Print the messages that a hub would have received, from a recording of the cloud's frames, without a network."""
    from bridge.commandline.message_line import line
    from bridge.commandline.replay import Replay
    from bridge.recording.lines import NoRecording, read_recording

    try:
        with file.open(encoding="utf-8-sig", errors="replace") as texts:
            recording = read_recording(texts)
    except NoRecording as error:
        complain(f"{file} cannot be replayed. {error}")
        raise typer.Exit(FAILED) from None
    except OSError as error:
        complain(f"{file} cannot be read: {error.strerror or error}.")
        raise typer.Exit(FAILED) from None

    head = recording.head
    shown: datetime | None = None

    def date(when: datetime) -> None:
        """Print the date when it has changed."""
        nonlocal shown
        if not as_json and (shown is None or shown.date() != when.date()):
            typer.echo(f"--- {when:%Y-%m-%d}, times UTC{when:%z} ---")
        shown = when

    def hear(topic: str, payload: bytes) -> None:
        message = json.loads(payload)
        when = datetime.fromisoformat(message["ctime"])
        date(when)
        typer.echo(json.dumps(message, ensure_ascii=False) if as_json else line(topic, payload, when))

    def miss(when: datetime, words: str) -> None:
        date(when)
        text = one_line(words)
        typer.echo(f"{when:%H:%M:%S}  not understood: {text}", err=as_json)

    if not as_json:
        typer.echo(f"Recorded by version {one_line(head.version)}, state set {one_line(head.state_set)}.")
    asyncio.run(Replay(recording, hear, miss).run())
