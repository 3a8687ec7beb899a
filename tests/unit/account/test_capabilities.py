"""The capabilities of the cloud that the bridge has learned."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import JsonValue

from bridge.account.capabilities import NAME, Capabilities
from bridge.storage.storage import Storage


def supported(known: Capabilities) -> tuple[bool, bool, bool, bool]:
    """All that two charge points' descriptions depend on."""
    return known.overrides_known, known.takes_socket_id, known.unlocks("BCU1"), known.unlocks("BCU2")


NEW = (True, False, True, True)

LESSONS: list[tuple[Callable[[Capabilities], None], tuple[bool, bool, bool, bool], str | None]] = [
    (Capabilities.learn_overrides_unknown, (False, False, True, True), None),
    (Capabilities.learn_takes_socket_id, (True, True, True, True), None),
    (lambda known: known.learn_cannot_unlock("BCU1"), (True, False, False, True), "BCU1"),
]


@pytest.mark.parametrize(("learn", "expected", "about"), LESSONS)
def test_a_learned_capability_is_reported_once_and_stored(
    tmp_path: Path,
    learn: Callable[[Capabilities], None],
    expected: tuple[bool, bool, bool, bool],
    about: str | None,
) -> None:
    told: list[str | None] = []
    storage = Storage(tmp_path / "bridge.db")
    known = Capabilities(storage)
    known.listeners = (told.append,)
    assert supported(known) == NEW
    learn(known)
    learn(known)
    assert (supported(known), told) == (expected, [about])
    storage.close()

    storage = Storage(tmp_path / "bridge.db")
    assert supported(Capabilities(storage)) == expected
    storage.close()


def test_all_capabilities_can_be_forgotten(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "bridge.db")
    known = Capabilities(storage)
    for learn, _, _ in LESSONS:
        learn(known)
    told: list[str | None] = []
    known.listeners = (told.append,)
    known.forget()
    known.forget()
    assert (supported(known), told, storage.value(NAME)) == (NEW, [None], None)
    storage.close()


@pytest.mark.parametrize("stored", [None, True, [], {"cannot_unlock": 5}, {"of": "another version"}])
def test_stored_capabilities_that_cannot_be_read_are_learned_again(stored: JsonValue) -> None:
    storage = Storage(":memory:")
    storage.save_value(NAME, stored)
    assert supported(Capabilities(storage)) == NEW
