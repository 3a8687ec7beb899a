"""The routes of the HTTP server (contract 9). All are GET and HEAD, and none changes anything."""

import ipaddress
from collections.abc import AsyncIterator
from typing import Final

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from bridge.web.documents import Documents
from bridge.web.language import COOKIE, Language, choose
from bridge.web.observer import Observer
from bridge.web.stream import Publisher, Stream, TooMany, Wanted

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# The last two are suffixes that home routers give.
LOCAL_SUFFIXES: Final = (
    ".localhost", ".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain", ".fritz.box",
)  # fmt: skip
A_YEAR_S: Final = 31_536_000
FRESH: Final = {"Cache-Control": "no-store"}


class Site:
    """Handlers of all routes.

    Args:
        observer: gives the views.
        documents: makes the documents.
        publisher: opens event streams.
        log: receives faults of handlers.
    """

    def __init__(
        self, observer: Observer, documents: Documents, publisher: Publisher, log: FilteringBoundLogger
    ) -> None:
        self._observer = observer
        self._documents = documents
        self._publisher = publisher
        self._log = log

    def application(self, own_host: str) -> ASGIApp:
        """Return the ASGI application, behind the host check.

        Args:
            own_host: the host of `http.listen`.
        """
        routes = [
            Route("/", self._show_page),
            Route("/static/{name}", self._show_file),
            Route("/events", self._show_events),
            Route("/api/state", self._show_state),
            Route("/healthz", self._show_health),
            Route("/readyz", self._show_readiness),
            Route("/metrics", self._show_metrics),
        ]
        return Guard(Starlette(routes=routes, exception_handlers={Exception: self._failed}), own_host)

    async def _show_page(self, request: Request) -> Response:
        language, page = _language(request), await self._documents.page()
        html = page.whole(self._observer.page(_page(request)), language)
        response = Response(html, media_type="text/html", headers=FRESH | {"Vary": "Accept-Language, Cookie"})
        if request.query_params.get("lang") == language:
            response.set_cookie(COOKIE, language, max_age=A_YEAR_S, httponly=True, samesite="strict")
        return response

    async def _show_file(self, request: Request) -> Response:
        file = (await self._documents.page()).files.get(request.path_params["name"])
        if file is None:
            return PlainTextResponse("There is no such file.\n", status_code=404)
        # The name of a file contains a hash of its content, so a browser can keep it.
        kept = {"Cache-Control": f"max-age={A_YEAR_S}, immutable"}
        return Response(file.content, media_type=file.media_type, headers=kept)

    async def _show_events(self, request: Request) -> Response:
        headers = FRESH | {"X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers=headers)
        page = await self._documents.page()
        try:
            stream = self._publisher.open(Wanted(_language(request), _page(request)))
        except TooMany:
            full = "This page has too many viewers. The browser tries again by itself.\n"
            return PlainTextResponse(full, status_code=503, headers={"Retry-After": "30"})
        events = _read(stream, self._publisher, page.build)
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def _show_state(self, _: Request) -> Response:
        content = await self._documents.state(await self._observer.whole(charts=True))
        return Response(content, media_type="application/json", headers=FRESH)

    async def _show_health(self, _: Request) -> Response:
        return PlainTextResponse("ok\n", headers=FRESH)

    async def _show_readiness(self, _: Request) -> Response:
        reason = self._observer.why_not_ready()
        return PlainTextResponse(f"{reason or 'ok'}\n", status_code=200 if reason is None else 503, headers=FRESH)

    async def _show_metrics(self, request: Request) -> Response:
        view = await self._observer.whole(charts=False)
        text, content_type = await self._documents.metrics(view, request.headers.get("accept", ""))
        return Response(text, headers=FRESH | {"Content-Type": content_type})

    async def _failed(self, request: Request, error: Exception) -> Response:
        self._log.error("a page could not be shown", path=request.url.path, exc_info=error)
        return PlainTextResponse("The bridge could not show this page; its log has the reason.\n", status_code=500)


def _language(request: Request) -> Language:
    return choose(
        request.query_params.get("lang"), request.cookies.get(COOKIE), request.headers.get("accept-language", "")
    )


def _page(request: Request) -> int:
    """Return the number in the parameter `page`; 1 if there is none or it is not a number."""
    try:
        return max(1, int(request.query_params.get("page", "1")))
    except ValueError:
        return 1


async def _read(stream: Stream, publisher: Publisher, build_id: str) -> AsyncIterator[str]:
    try:
        # A page of another build reloads itself.
        yield f"event: build\ndata: {build_id}\n\n"
        async for event in stream.events():
            yield event
    finally:
        publisher.close(stream)


class Guard:
    """Checks the host of each request, and adds `HEADERS` to each answer.

    A page on the web can resolve its own name to this machine and read this server through a browser (DNS rebinding).
    Such a request has that name as its host. Accepted hosts are addresses, names without a dot, names that exist only
    in local networks, and the name in `http.listen`.

    Args:
        app: the application behind the check.
        own_host: the host of `http.listen`.
    """

    def __init__(self, app: ASGIApp, own_host: str) -> None:
        self._app = app
        self._own_host = own_host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        app = self._app if self._is_ours(Headers(scope=scope).get("host", "")) else _elsewhere
        await app(scope, receive, send_guarded)

    def _is_ours(self, host: str) -> bool:
        name = (host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host).lower().rstrip(".")
        if name in ("", self._own_host) or "." not in name.strip("[]"):
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name.endswith(LOCAL_SUFFIXES)
        return True


_elsewhere: Final = PlainTextResponse(
    "This page is shown under local names and addresses only. Behind a proxy, have it pass on another Host, such as "
    "localhost.\n",
    status_code=421,
)
