"""The status page in a browser."""

import asyncio
import base64
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as DriverService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from bridge.chargepoint.state import State
from bridge.commandline.embedded_broker import free_port
from bridge.logs import Log
from bridge.settings import HttpSettings
from bridge.simulator.car import Car
from bridge.web.build_view import Known
from bridge.web.language import LANGUAGES, Language
from bridge.web.languages import texts
from bridge.web.server import WebServer
from tests import showroom
from tests.conftest import HouseMaker
from tests.harness import SOCKET

pytestmark = pytest.mark.browser

PATIENCE_S: Final = 15.0
PHONE: Final = (390, 844)
DESKTOP: Final = (1280, 900)
REQUIRED = "BRIDGE_REQUIRE_BROWSER"
SCREENSHOTS = "BRIDGE_SCREENSHOTS"
IMAGES = Path(__file__).parents[2] / "docs" / "images"

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--force-color-profile=srgb",
)  # fmt: skip


class Browser:
    """A browser, and what these tests do with it. Every call may wait for the browser, so it runs in a thread."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    async def do(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.to_thread(call, *arguments)

    async def open(self, url: str, size: tuple[int, int] = DESKTOP, **media: str) -> None:
        """Open a page in a fresh profile."""
        await self.command("Network.clearBrowserCookies")
        await self.command("Network.clearBrowserCache")
        features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
        await self.command("Emulation.setEmulatedMedia", features=features)
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=size[0], height=size[1], deviceScaleFactor=1, mobile=size == PHONE,
        )  # fmt: skip
        await self.do(self._driver.get_log, "browser")  # discards the messages of an earlier page
        await self.do(self._driver.get, url)

    async def command(self, name: str, **parameters: Any) -> Any:
        return await self.do(self._driver.execute_cdp_cmd, name, parameters)

    async def run(self, script: str) -> Any:
        return await self.do(self._driver.execute_script, script)

    async def text(self, selector: str) -> str:
        """The visible text of an element."""
        return str(await self.run(f"return document.querySelector({selector!r})?.innerText ?? ''"))

    async def shows(self, selector: str, words: str) -> None:
        """Wait until an element contains a text."""
        said = ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while words not in (said := await self.text(selector)):  # noqa: ASYNC110 - the browser is asked
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{selector} says {said!r}, and not {words!r}") from None

    async def until(self, script: str) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.run(f"return {script}"):  # noqa: ASYNC110 - the browser is asked
                await asyncio.sleep(0.05)

    async def press(self, *keys: str) -> None:
        body = await self.do(self._driver.find_element, By.TAG_NAME, "body")
        active = await self.do(lambda: self._driver.switch_to.active_element)
        await self.do((active or body).send_keys, *keys)

    async def complaints(self) -> list[str]:
        """The messages in the console."""
        return [entry["message"] for entry in await self.do(self._driver.get_log, "browser")]

    async def violations(self) -> list[str]:
        """The accessibility violations that axe finds."""
        result = await self.do(Axe().run, self._driver)
        assert "color-contrast" in {rule["id"] for rule in result["passes"]}, "axe has not looked at the contrast"
        return [
            f"{found['id']}: {found['help']}: {[node['html'][:160] for node in found['nodes']]}"
            for found in result["violations"]
        ]

    async def picture(self, path: Path, height: int) -> int:
        """Write a screenshot; returns its size."""
        width = await self.run("return innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = await self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return int(await self.do(path.write_bytes, base64.b64decode(shot["data"])))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, or a skip with a reason where it is missing."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        missing = "chromium" if chromium is None else "chromedriver"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and there is no {missing} on this machine")
        pytest.skip(f"there is no {missing} on this machine")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        running = webdriver.Chrome(options=options, service=DriverService(driver))
        running.set_script_timeout(30)
        try:
            yield Browser(running)
        finally:
            running.quit()


@asynccontextmanager
async def shown(about: Known) -> AsyncIterator[str]:
    """A server that shows a view of the showroom; returns its address."""
    server = WebServer(HttpSettings(listen="127.0.0.1:0"), showroom.Window(about), Log("warning").logger)
    running = asyncio.create_task(server.run())
    async with asyncio.timeout(PATIENCE_S):
        while server.port is None:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.port}/"
    finally:
        server.stop()
        await running


# --- with a bridge behind it ---


async def test_the_page_follows_a_charge_live(browser: Browser, build: HouseMaker) -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with build(http={"listen": listen}) as house:
        await browser.open(f"http://{listen}/")
        now = f"#now-{SOCKET}"
        await browser.shows(f"{now} .state", "No car")
        house[SOCKET].plug(Car())
        await house.push(SOCKET)
        await browser.shows(f"{now} .state", "Ready")
        await house.hub.command(SOCKET, "cmd.charge.start", 2)
        await browser.shows(f"{now} .state", "Charging")
        await browser.shows(f"{now} .details", "11.1 kW")
        await browser.shows("#commands", "Driveway · Start")
        await browser.shows("#said", "Driveway: Charging.")
        house[SOCKET].step(1800)
        await house.push(SOCKET)
        await browser.shows(f"{now} .details", "5.5 kWh")
        await house.hub.command(SOCKET, "cmd.charge.stop", 2)
        await browser.shows(f"{now} .state", "Ready")
        assert await browser.complaints() == []


async def test_the_page_survives_a_restart_of_the_bridge_and_shows_that_it_is_away(
    browser: Browser, build: HouseMaker
) -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with build(http={"listen": listen}) as house:
        await browser.open(f"http://{listen}/")
        await browser.shows(f"#now-{SOCKET} .state", "No car")
        await browser.run("window.sameAsBefore = true")
        await house.stop()
        await browser.shows("#lost", "No connection to the bridge since ")
        assert await browser.run("return document.body.classList.contains('lost')")
        assert "No car" in await browser.text(f"#now-{SOCKET}")  # old, and marked as such
        await house.start()
        await browser.until("!document.body.classList.contains('lost')")
        assert await browser.text("#lost") == ""
        house[SOCKET].plug(Car())
        await house.push(SOCKET)
        await browser.shows(f"#now-{SOCKET} .state", "Ready")
        assert await browser.run("return window.sameAsBefore"), "the page was loaded anew for nothing"


async def test_a_new_charge_point_appears_on_the_page(browser: Browser, build: HouseMaker) -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with build(http={"listen": listen}) as house:
        point = house.cloud.account.charge_points.pop(SOCKET)
        await house.restart()
        await browser.open(f"http://{listen}/")
        await browser.until("document.querySelectorAll('article').length == 1")
        house.cloud.account.charge_points[SOCKET] = point
        await house.push(SOCKET)
        await browser.until("document.querySelectorAll('article').length == 2")


# --- how it is made ---


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize(
    "about",
    [
        showroom.rich(),
        showroom.no_token(),
        showroom.broker_refuses(),
        showroom.link_down(),
        showroom.two_sockets(),
        showroom.long_names(),
        showroom.large(),
        showroom.left_out(),
    ],
    ids=["rich", "no token", "broker refuses", "link down", "two sockets", "long names", "large", "left out"],
)
async def test_the_page_has_no_fault_of_accessibility(
    browser: Browser, about: Known, size: tuple[int, int], scheme: str
) -> None:
    async with shown(about) as url:
        await browser.open(url, size, color_scheme=scheme)
        await browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert await browser.violations() == []
        assert await browser.complaints() == []
        width = await browser.run("return document.documentElement.scrollWidth")
        assert width <= size[0], "it has to be moved sideways to be read"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_language_is_chosen_and_remembered(browser: Browser, language: Language) -> None:
    table = texts(language)
    async with shown(showroom.rich()) as url:
        await browser.open(url)
        await browser.run(f"document.querySelector('nav [hreflang={table.tag}]').click()")
        await browser.shows("h1", table.title)
        await browser.run("location.assign('/')")
        await browser.until("location.search === ''")
        await browser.shows("h1", table.title)
        assert await browser.run("return document.documentElement.lang") == table.tag
        await browser.shows(".state", table.states[State.CHARGING])
        assert await browser.violations() == []
        assert await browser.complaints() == []


async def test_the_page_loads_quickly_and_only_from_the_bridge(
    browser: Browser, record_property: Callable[[str, object], None]
) -> None:
    async with shown(showroom.rich()) as url:
        await browser.open(url)
        await browser.until("performance.getEntriesByName('first-contentful-paint').length")
        names = await browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert names
        assert all(name.startswith(url) for name in names), names
        size = await browser.run(
            "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".reduce((sum, entry) => sum + entry.encodedBodySize, 0)"
        )
        assert size < 100_000
        paint = await browser.run("return performance.getEntriesByName('first-contentful-paint')[0].startTime")
        record_property("first contentful paint, ms", paint)
        print(f"first contentful paint after {paint:.0f} ms, {size / 1000:.0f} kB in all")  # noqa: T201 - reported, not held to


async def test_the_page_is_complete_without_scripts(browser: Browser) -> None:
    await browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        async with shown(showroom.rich()) as url:
            await browser.open(url)
            source = await browser.do(lambda: browser._driver.page_source)
            assert "Charging" in source
            assert "11.0 kW" in source
    finally:
        await browser.command("Emulation.setScriptExecutionDisabled", value=False)


async def test_the_page_can_be_used_with_the_keyboard(browser: Browser) -> None:
    async with shown(showroom.rich()) as url:
        await browser.open(url)
        await browser.press(Keys.TAB)
        assert await browser.run("return document.activeElement.className") == "skip"
        outline = await browser.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        await browser.press(Keys.ENTER)
        assert await browser.run("return location.hash") == "#main"


async def test_an_update_keeps_open_parts_open_and_the_focus(browser: Browser, build: HouseMaker) -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with build(http={"listen": listen}) as house:
        house[SOCKET].plug(Car())
        house[SOCKET].start("BCU-APP")
        house[SOCKET].step(3600)
        await house.push(SOCKET)
        await browser.open(f"http://{listen}/")
        await browser.until(f"document.querySelector('#days-{SOCKET} summary')")
        await browser.run(f"document.querySelector('#days-{SOCKET} summary').click()")
        await browser.run(f"document.querySelector('#days-{SOCKET} summary').focus()")
        house[SOCKET].stop()
        await house.push(SOCKET)
        await browser.shows(f"#now-{SOCKET} .state", "Finished")
        assert await browser.run(f"return document.querySelector('#days-{SOCKET} details').open")
        assert await browser.run("return document.activeElement.tagName") == "SUMMARY"


@pytest.mark.parametrize(("motion", "animation"), [("no-preference", "flow"), ("reduce", "none")])
async def test_nothing_moves_where_reduced_motion_is_preferred(browser: Browser, motion: str, animation: str) -> None:
    async with shown(showroom.rich()) as url:
        await browser.open(url, reduced_motion=motion)
        assert await browser.run("return getComputedStyle(document.querySelector('.flow')).animationName") == animation


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size", "height"), [("phone", PHONE, 1150), ("desktop", DESKTOP, 1250)])
async def test_pictures_for_the_documentation(
    browser: Browser, tmp_path: Path, name: str, size: tuple[int, int], height: int, scheme: str
) -> None:
    """The screenshots replace those in the repository only on request."""
    folder = IMAGES if os.environ.get(SCREENSHOTS) else tmp_path
    async with shown(showroom.rich()) as url:
        await browser.open(url, size, color_scheme=scheme, reduced_motion="reduce")
        path = folder / f"page-{name}-{scheme}.png"
        assert 40_000 < await browser.picture(path, height) < 150_000
