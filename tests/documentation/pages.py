"""The pages of the documentation and their content."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: where it stands.
        line: of its fence, from 1.
        language: such as `json`.
        text: what is in it.
        marker: the comment right before it, if there is one.
    """

    page: Path
    line: int
    language: str
    text: str
    marker: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def tokens(page: Path) -> list[Token]:
    """The page, taken apart."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page, in these languages or in all."""
    found, marker = [], ""
    for token in tokens(page):
        if token.type == "html_block":
            comment = re.fullmatch(r"<!--\s*(.*?)\s*-->", token.content.strip(), re.DOTALL)
            marker = comment.group(1) if comment else ""
        elif token.type == "fence":
            line = token.map[0] + 1 if token.map else 0
            found.append(Block(page, line, token.info.strip(), token.content, marker))
            marker = ""
        elif token.level == 0:
            marker = ""
    return [block for block in found if not languages or block.language in languages]


def all_blocks(*languages: str) -> list[Block]:
    """The same of all pages."""
    return [block for page in PAGES for block in blocks(page, *languages)]


def inline(page: Path) -> Iterator[Token]:
    """The text of a page, piece by piece."""
    for token in tokens(page):
        yield from token.children or []


def code_words(page: Path) -> set[str]:
    """All texts in `backticks`."""
    return {token.content for token in inline(page) if token.type == "code_inline"}


def anchors(page: Path) -> set[str]:
    """Where links into the page can lead, as GitHub names them."""
    found: dict[str, int] = {}
    names = set()
    taken = tokens(page)
    for before, token in pairwise(taken):
        if before.type != "heading_open":
            continue
        text = "".join(child.content for child in token.children or [] if child.type in {"text", "code_inline"})
        slug = "".join(
            letter for letter in text.lower() if letter in " -_" or unicodedata.category(letter)[0] in "LN"
        ).replace(" ", "-")
        names.add(slug if slug not in found else f"{slug}-{found[slug]}")
        found[slug] = found.get(slug, 0) + 1
    return names


def rows(page: Path, first_heading: str) -> list[list[str]]:
    """The rows of the table whose first column is headed so: the text of each cell, with its backticks."""
    for table in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        lines = [_cells(line) for line in table.splitlines()]
        if lines[0][0] == first_heading:
            return lines[2:]
    raise AssertionError(f"{page.name} has no table headed {first_heading}")


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
