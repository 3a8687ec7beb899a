"""Every link within the documentation leads to an existing page, file or heading."""

from pathlib import Path

import pytest

from tests.documentation.pages import PAGES, ROOT, anchors, inline

LINKS = [
    (page, str(target))
    for page in PAGES
    for token in inline(page)
    if (target := token.attrGet("href") or token.attrGet("src")) and not str(target).startswith(("http:", "https:"))
]


def name(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(("page", "target"), LINKS, ids=name)
def test_every_link_has_a_target(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    place = (page.parent / path).resolve() if path else page
    assert place.exists(), f"{page.name}: {target}"
    assert place.is_relative_to(ROOT)
    if anchor and place.exists():
        assert anchor in anchors(place), f"{page.name}: {target}; there is {sorted(anchors(place))}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = {ROOT / "README.md"}, [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        for origin, target in LINKS:
            place = (page.parent / target.partition("#")[0]).resolve()
            if origin == page and place.suffix == ".md" and place not in reached:
                reached.add(place)
                waiting.append(place)
    assert set(PAGES) - reached == set()


def test_every_page_begins_with_a_title_and_a_sentence() -> None:
    """Every page begins with a title and a sentence."""
    for page in PAGES:
        lines = page.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# ")
        assert lines[1] == ""
        assert lines[2][0].isalpha() or lines[2][0] in "`[", page.name


def test_there_are_links() -> None:
    assert len(LINKS) > 40
