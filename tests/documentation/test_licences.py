"""Every installed package has an acceptable licence."""

from pathlib import Path

import pytest

from tests.documentation.licences import is_permissive, licence, locked

PAGE = Path(__file__).parents[2] / "docs" / "licences.md"


@pytest.mark.parametrize("name", locked())
def test_a_licence_is_permissive_and_on_the_page(name: str) -> None:
    assert is_permissive(licence(name))
    assert f"\n| {name} | " in PAGE.read_text(encoding="utf-8")


def test_the_page_lists_no_other_package() -> None:
    assert PAGE.read_text(encoding="utf-8").count("\n| ") == len(locked()) + 1


@pytest.mark.parametrize("text", ["GPL-3.0-only", "MIT AND GPL-2.0-only", "AGPL-3.0", "None", "Proprietary"])
def test_a_licence_that_is_not_permissive_is_noticed(text: str) -> None:
    assert not is_permissive(text)
