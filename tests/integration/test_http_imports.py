"""The first request for each document imports what makes it, and requests at the same time get the same."""

import asyncio

import httpx

from bridge.web.documents import Documents
from tests.conftest import HouseMaker
from tests.integration.http_client import get


async def test_the_page_exists_once_however_many_ask_first() -> None:
    documents = Documents()
    pages = await asyncio.gather(*(documents.page() for _ in range(5)))
    assert await documents.page() in pages
    assert {page.build for page in pages} == {pages[0].build}


async def test_first_requests_at_the_same_time_are_all_answered(build: HouseMaker) -> None:
    async with build() as house:
        paths = ["/", "/?lang=nl", "/api/state", "/api/state", "/metrics", "/metrics", "/healthz", "/readyz"]
        answers: list[httpx.Response] = await asyncio.gather(*(get(house, path) for path in paths))
        assert [answer.status_code for answer in answers] == [200] * len(paths)
