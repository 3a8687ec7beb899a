"""Choosing the language of a page. `bridge.web.languages` has the texts and formats of each."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

Language = Literal["en", "nl", "nb"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
COOKIE: Final = "lang"

_ALSO: Final[Mapping[str, Language]] = {"no": "nb", "nn": "nb"}


def choose(asked: str | None, remembered: str | None, accepted: str) -> Language:
    """Return the language to use: the one asked for, else the one remembered, else the best that the browser accepts.

    Args:
        asked: from the switch on the page.
        remembered: from the cookie.
        accepted: the header `Accept-Language`.
    """
    for tag in (asked, remembered, *_by_preference(accepted)):
        language = _language(tag or "")
        if language is not None:
            return language
    return "en"


def _language(tag: str) -> Language | None:
    primary = tag.strip().lower().partition("-")[0]
    return next((language for language in LANGUAGES if language == primary), _ALSO.get(primary))


def _by_preference(accepted: str) -> list[str]:
    weighed = []
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        try:
            weighed.append((float(weight or 1), tag))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighed, key=lambda one: -one[0]) if weight > 0]
