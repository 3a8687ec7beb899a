"""Renders the status page and its parts. The script of the page replaces a part when it has changed."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bridge import __version__
from bridge.web.drawing import BAR, BARS_HEIGHT, HEIGHT, WIDTH, draw_bars, draw_curve
from bridge.web.language import LANGUAGES, Language
from bridge.web.languages import texts
from bridge.web.view import View
from bridge.web.wording import Words

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


PARTS: Final = ("set", "said", "notices", "summary", "more", "commands", "links", "service")
"""The parts that exist once, by the ids of their elements."""

_KEY: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class File:
    """A static file of the page."""

    content: bytes
    media_type: str


class Page:
    """The page and its static files.

    Attributes:
        files: the static files by name.
        build: a hash of the version and the static files. A page from another build reloads itself.
    """

    def __init__(self) -> None:
        self.files: Mapping[str, File] = {
            item.name: File(item.read_bytes(), MEDIA_TYPES["." + item.name.rpartition(".")[2]])
            for item in files("bridge.web").joinpath("static").iterdir()
        }
        digest = hashlib.sha256(__version__.encode())
        for name in sorted(self.files):
            digest.update(self.files[name].content)
        self.build = digest.hexdigest()[:12]
        environment = Environment(
            loader=PackageLoader("bridge.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["key"] = element_key
        self._whole = environment.get_template("page.html")
        self._parts = environment.get_template("parts.html")

    def whole(self, view: View, language: Language) -> str:
        """Return the whole page as HTML."""
        parts = {name: Markup(html) for name, html in self.fragments(view, language).items()}  # noqa: S704 - rendered with escaping just now
        return self._whole.render(
            parts=parts,
            language=language,
            languages=[(each, texts(each).name, texts(each).tag) for each in LANGUAGES],
            build=self.build,
            **_context(view, language),
        )

    def fragments(self, view: View, language: Language) -> dict[str, str]:
        """Return the parts of the page that can change: the id of the element and its HTML."""
        context = _context(view, language)
        module = self._parts.make_module(context)

        def render(part: str, *arguments: object) -> str:
            return str(getattr(module, part)(*arguments)).strip()

        fragments = {part: render(f"{part}_part") for part in PARTS}
        for point in view.charge_points:
            for socket in point.sockets:
                key = element_key(socket.address)
                fragments[f"now-{key}"] = render("now", point, socket)
                fragments[f"curve-{key}"] = render("curve", socket, draw_curve(socket.curve, view.at))
                fragments[f"days-{key}"] = render("days", socket, draw_bars(socket.days))
        return fragments


def element_key(address: str) -> str:
    """Return an address as a part of an element's id. An address with unusual characters is written in hex."""
    return address if _KEY.fullmatch(address) else f"x{address.encode('utf-8', 'surrogatepass').hex()}"


def _context(view: View, language: Language) -> dict[str, object]:
    table = texts(language)
    return {
        "view": view,
        "t": table,
        "words": Words(table, view),
        "curve_size": (WIDTH, HEIGHT),
        "bar_size": (BAR, BARS_HEIGHT),
    }
