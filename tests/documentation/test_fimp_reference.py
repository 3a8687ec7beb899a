"""docs/fimp.md: every message in it comes from a running bridge, and every interface is in it.

`BRIDGE_REWRITE_DOCS=1 pytest tests/documentation/test_fimp_reference.py` writes the messages of this run into the page.
A block is marked by a comment before it: `<!-- cmd.charge.start -->` is that command, `<!-- cmd.charge.start >
evt.state.report -->` an answer to it; `, first 2` leaves out what comes after the first two entries of every list.
"""

import json
import os
import re
from typing import Any, get_args

import pytest

from bridge.account.parameters import TABLE
from bridge.chargepoint.state import State
from bridge.errors import ErrorCode
from bridge.fimp.message import Message
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.documentation.pages import ROOT, Block, blocks, code_words, rows
from tests.documentation.scenes import BEGIN, SCENES, layout, listed_interfaces, play, shortened

PAGE = ROOT / "docs" / "fimp.md"
MARKER = re.compile(r"(?P<scene>[^>,]+?)(?: > (?P<answer>[\w.]+))?(?:, first (?P<first>\d+))?")

WITHOUT_EXAMPLE = {
    "evt.app.manifest_report": "some hundred lines: config/app-manifest.json with the present states",
    "evt.success.report": "answers commands that have nothing to tell",
}


def wanted(block: Block, played: dict[str, list[dict[str, Any]]]) -> str:
    """The expected content of the block of a marker."""
    match = MARKER.fullmatch(block.marker)
    assert match is not None, block
    messages = played[match["scene"]]
    said = [message for message in messages[1:] if message["type"] == match["answer"]] if match["answer"] else messages
    assert said, f"{block}: nothing of the kind was said; there was {[message['type'] for message in messages]}"
    message = json.loads(json.dumps(said[0]))
    if match["first"]:
        message["val"] = shortened(message["val"], int(match["first"]))
    return layout(message) + "\n"


async def test_every_message_on_the_page_was_sent_by_the_bridge(build: HouseMaker) -> None:
    async with build(side=True, clock=FakeClock(BEGIN)) as house:
        played = await play(house)
        listed = listed_interfaces(house)
    marked = [block for block in blocks(PAGE, "json") if block.marker]
    if os.environ.get("BRIDGE_REWRITE_DOCS"):
        text = PAGE.read_text(encoding="utf-8")
        for block in marked:
            opening = f"<!-- {block.marker} -->\n\n```json\n"
            assert text.count(opening) == 1, block
            before, after = text.split(opening)
            text = before + opening + wanted(block, played) + after[after.index("```") :]
        PAGE.write_text(text, encoding="utf-8")
        pytest.skip("rewritten")  # a rewritten page was not compared
    for block in marked:
        assert block.text == wanted(block, played), f"{block} ({block.marker}); BRIDGE_REWRITE_DOCS=1 rewrites it"
    shown = {json.loads(block.text)["type"] for block in marked}
    assert listed - shown - set(WITHOUT_EXAMPLE) == set()
    assert listed <= code_words(PAGE)
    assert {scene.title for scene in SCENES} - set(played) == set()


@pytest.mark.parametrize("block", blocks(PAGE, "json") if PAGE.exists() else [], ids=str)
def test_every_message_on_the_page_is_valid_fimp(block: Block) -> None:
    message = Message.parse(block.text.encode())
    assert message.topic is not None


def test_every_error_code_is_on_the_page() -> None:
    assert [row[0].strip("`") for row in rows(PAGE, "code")] == list(get_args(ErrorCode))


def test_every_parameter_is_on_the_page() -> None:
    told = [word for row in rows(PAGE, "parameter") for word in re.findall(r"`(\w+)`", row[0])]
    assert told == [parameter.id for parameter in TABLE]


def test_every_state_is_on_the_page() -> None:
    told = {word for row in rows(PAGE, "activity") for cell in row[-2:] for word in re.findall(r"`(\w+)`", cell)}
    assert told == {state.value for state in State}
