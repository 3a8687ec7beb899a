"""Runs the corpora through their targets, so that mended faults stay mended."""

from pathlib import Path

import pytest

from tests.fuzz.targets import CORPUS, TARGETS, corpus

INPUTS = [(name, path) for name in TARGETS for path in corpus(name)]


@pytest.mark.parametrize(("name", "path"), INPUTS, ids=[f"{name}-{path.name}" for name, path in INPUTS])
def test_nothing_in_a_corpus_raises(name: str, path: Path) -> None:
    TARGETS[name](path.read_bytes())


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    for name in TARGETS:
        assert len(corpus(name)) >= 5
        assert sum(path.stat().st_size for path in corpus(name)) < 200_000


def test_a_target_sees_a_fault() -> None:
    """The assertions of the targets can fail: a parser that accepts everything is detected."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.fimp.topic.is_level", lambda _: True)
        with pytest.raises(AssertionError):
            TARGETS["topics"](b"pt:j1/mt:rsp/rt:app/rn:\x07/ad:1")
