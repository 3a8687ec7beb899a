"""docs/performance.md shows exactly the run in docs/performance.json."""

from tests.benchmarks.candidates import CANDIDATES
from tests.benchmarks.page import FIGURES, PAGE, PICTURE, filled
from tests.benchmarks.plot import plot
from tests.benchmarks.result import Result


def test_the_page_and_its_picture_are_of_the_run_that_is_kept() -> None:
    result = Result.read(FIGURES)
    assert PAGE.read_text() == filled(PAGE.read_text(), result)
    assert PICTURE.read_text() == plot(result)


def test_every_peer_was_measured() -> None:
    result = Result.read(FIGURES)
    assert result.peers(1) == list(CANDIDATES)
    assert [failure for peer in result.peers(1) for failure in result.failures(peer, 1)] == []
