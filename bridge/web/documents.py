"""The documents of the HTTP server, made from views.

What makes them needs 10 MB, with templates, formats of languages and the metrics library. Most bridges run without a
viewer for months, so each part is imported when its document is first asked for, in a thread.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.web.language import Language
from bridge.web.view import View

if TYPE_CHECKING:
    from bridge.web.metrics import Metrics
    from bridge.web.page import Page


class Documents:
    """The status page, the state as JSON, and the metrics."""

    def __init__(self) -> None:
        self._page: Page | None = None
        self._metrics: Metrics | None = None

    async def page(self) -> "Page":
        """Return the status page and its files."""
        if self._page is None:
            self._page = await asyncio.to_thread(_make_page)
        return self._page

    def fragments(self, view: View, language: Language) -> Mapping[str, str]:
        """Return the parts of the page that can change, for viewers, who have the page."""
        return self._page.fragments(view, language) if self._page is not None else {}

    async def state(self, view: View) -> bytes:
        """Return the view as JSON. The work grows with the account, so a thread does it."""
        return await asyncio.to_thread(_state, view)

    async def metrics(self, view: View, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type.

        Args:
            view: the view.
            accept: the header `Accept` of the request.
        """
        return await asyncio.to_thread(self._metrics_text, view, accept)

    def _metrics_text(self, view: View, accept: str) -> tuple[bytes, str]:
        if self._metrics is None:
            from bridge.web.metrics import Metrics  # noqa: PLC0415 - imported when first used

            self._metrics = Metrics()
        return self._metrics.text(view, accept)


def _make_page() -> "Page":
    from bridge.web.page import Page  # noqa: PLC0415 - imported when first used

    return Page()


def _state(view: View) -> bytes:
    from bridge.web.state_json import as_json  # noqa: PLC0415 - imported when first used

    return as_json(view)
