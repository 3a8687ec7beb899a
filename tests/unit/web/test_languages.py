"""The languages of the page."""

import json
import re
from datetime import timedelta
from importlib.resources import files
from string import Formatter

import pytest
from pydantic import ValidationError

from bridge.web.language import LANGUAGES, Language, choose
from bridge.web.languages import Texts, texts
from tests.showroom import NOW, at


def table(language: Language) -> dict[str, object]:
    """Every text by its place, such as `say.since`."""
    found: dict[str, object] = {}

    def walk(value: object, path: str) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(item, f"{path}.{key}".lstrip("."))
        else:
            found[path] = value

    walk(json.loads(files("bridge.web").joinpath("texts", f"{language}.json").read_text()), "")
    return found


def placeholders(text: object) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(str(text)) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts(language: Language) -> None:
    english, other = table("en"), table(language)
    assert english.keys() == other.keys()
    for path, text in other.items():
        assert text, path
        assert placeholders(text) == placeholders(english[path]), path
    texts(language)


def test_every_text_is_used() -> None:
    folder = files("bridge.web")
    sources = [folder.joinpath(name).read_text() for name in ("wording.py", "languages.py", "page.py")]
    sources += [item.read_text() for item in folder.joinpath("templates").iterdir()]
    source = "\n".join(sources)
    for path in table("en"):
        group, _, name = path.partition(".")
        if group in {"say", "labels"}:
            assert re.search(rf"\b{group}\.{name}\b", source), path


def test_the_texts_of_other_languages_are_translated() -> None:
    english = table("en")
    for language in LANGUAGES[1:]:
        same = [path for path, text in table(language).items() if text == english[path]]
        assert len(same) < len(english) / 4, same


def test_an_incomplete_table_of_texts_is_refused() -> None:
    whole = texts("en").model_dump(mode="json")
    Texts.model_validate(whole)
    for group in ("states", "waits", "troubles", "outcomes", "switches"):
        lacking = {**whole, group: dict(list(whole[group].items())[1:])}
        with pytest.raises(ValidationError, match="no entry for"):
            Texts.model_validate(lacking)
    with pytest.raises(ValidationError, match=r"say\.since"):
        Texts.model_validate({**whole, "say": {k: v for k, v in whole["say"].items() if k != "since"}})


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        (None, None, "", "en"),
        (None, None, "nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        (None, None, "no", "nb"),
        (None, None, "nn-NO", "nb"),
        (None, None, "de,fr;q=0.9", "en"),
        (None, None, "de,nb;q=0.4,nl;q=0.7", "nl"),
        (None, None, "nl;q=0,en", "en"),
        (None, None, "nl;q=much", "en"),
        (None, "nb", "nl", "nb"),
        ("nl", "nb", "en", "nl"),
        ("xx", None, "nl", "nl"),
        ("../../etc", "<script>", "*", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_remembered_else_accepted(
    asked: str | None, remembered: str | None, accepted: str, chosen: str
) -> None:
    assert choose(asked, remembered, accepted) == chosen


def test_values_are_written_as_the_language_does() -> None:
    english, dutch = texts("en"), texts("nl")
    assert (english.kilowatts(10994), dutch.kilowatts(10994)) == ("11.0 kW", "11,0 kW")
    assert (english.kilowatt_hours(17.42), dutch.kilowatt_hours(2841.3)) == ("17.4 kWh", "2841 kWh")
    assert (english.money(4.355), dutch.money(None)) == ("€4.36", "\N{EN DASH}")
    assert (dutch.money(4.355), texts("nb").money(1234.5)) == ("€\xa04,36", "1\xa0234,50\xa0€")
    assert (dutch.money(-0.5, "NOK"), texts("nb").money(-0.5, "NOK")) == ("NOK\xa0-0,50", "-0,50\xa0kr")
    assert (english.amperes(16), english.amperes(15.94), dutch.amperes(15.9)) == ("16 A", "15.9 A", "15,9 A")
    assert dutch.volts(230.6) == "231 V"
    assert (dutch.amperes(-0.04), texts("nb").amperes(-5)) == ("0,0 A", "-5 A")


def test_a_time_has_its_day_only_where_it_is_another() -> None:
    assert texts("en").when(at(7, 12), NOW) == "07:12"
    assert texts("en").when(at(7, 12, 2), NOW) == "Wed 18 Nov, 07:12"
    assert texts("nb").when(NOW + timedelta(days=1), NOW) == "lør. 21. nov., 09:41"
