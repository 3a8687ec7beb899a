"""The HTML of the page."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from bridge.bluecurrent.protocol import LinkState, LinkStatus
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.schedules import Owned
from bridge.chargepoint.state import State
from bridge.chargepoint.status import Activity, Status
from bridge.chargepoint.twin import Twin
from bridge.errors import Unauthorized
from bridge.hub.router import Handled
from bridge.web.build_view import Known, build_view
from bridge.web.language import LANGUAGES, Language
from bridge.web.languages import texts
from bridge.web.page import Page
from bridge.web.view import SummaryView, Trouble, Wait
from bridge.web.wording import Words
from tests import showroom
from tests.showroom import NOW, at, known

PAGE = Page()


class _Reader(HTMLParser):
    """Reads the words of a page, its ids and its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in {"src", "href"}:
                self.urls.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(about: Known, language: Language = "en") -> _Reader:
    reader = _Reader()
    reader.feed(PAGE.whole(build_view(about), language))
    return reader


def text(about: Known, language: Language = "en") -> str:
    return " ".join(" ".join(read(about, language).words).split())


def test_the_page_shows_states_in_words() -> None:
    said = text(showroom.rich())
    assert "Driveway U:MOVE16 · BCU102728 Charging since 07:12 11.0 kW 17.4 kWh" in said
    assert (
        "Carport H:MOVE-C32T2 · BCU100186 Held back Delayed charging holds the session back, window 23:00\N{EN DASH}07:00."
        in said
    )
    assert "Visitors U:MOVE16 · BCU101544 No car Waits for a car." in said
    assert "Last session 31.1 kWh, €7.77, Wed 18 Nov, 21:40" in said
    assert "06:58 Driveway · Start not possible then No vehicle is connected. Plug it in first, then start." in said
    assert "Thu 19 Nov, 22:31 Carport · Limit (A): 16 done" in said
    assert "Requests to Blue Current 14 today" in said
    assert "16 A of 25 A" in said


def test_the_page_is_shown_in_dutch_and_norwegian() -> None:
    assert "Laadt sinds 07:12 11,0 kW 17,4 kWh" in text(showroom.rich(), "nl")
    assert "Lader siden 07:12 11,0 kW 17,4 kWh" in text(showroom.rich(), "nb")


def test_without_a_token_the_page_shows_how_to_get_one_and_where_to_put_it() -> None:
    said = text(showroom.no_token())
    for hint in ("my.bluecurrent.nl", "Advanced", "cloud.api_token", "bridge_cloud__api_token", "login from the hub"):
        assert hint in said


def test_a_broker_that_refuses_is_shown_with_the_settings_to_check() -> None:
    said = text(showroom.broker_refuses())
    for hint in ("mqtt.username", "mqtt.password", "1884", "refuses the user name or the password", "12 messages"):
        assert hint in said
    assert "Blue Current refuses the API token" in said


def test_a_limit_shows_until_when_it_holds() -> None:
    assert "used up (until Sat 21 Nov, 00:00)" in text(showroom.out_of_requests())


def test_requests_since_a_start_today_are_shown_as_such() -> None:
    assert "14 today, since the bridge started at 08:00" in text(replace(known(), started_at=at(8, 0)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "about",
    [
        showroom.rich(),
        showroom.no_token(),
        showroom.link_down(),
        showroom.broker_refuses(),
        showroom.out_of_requests(),
        showroom.two_sockets(),
        replace(showroom.rich(), page=2, pages=3),
    ],
)
def test_every_page_holds_what_the_browser_is_promised(about: Known, language: Language) -> None:
    reader, view = read(about, language), build_view(about)
    fragments = PAGE.fragments(view, language)
    assert sorted(reader.ids) == sorted(set(reader.ids)), "an id stands twice"
    assert set(fragments) <= set(reader.ids), "a part has no place on the page"
    for name, html in fragments.items():
        assert re.match(rf'<\w+ id="{re.escape(name)}"', html), name
        assert html.endswith(">")
    # The policy forbids injected content.
    assert not {name for name in reader.attributes if name.startswith("on") or name == "style"}
    assert all(url.startswith(("static/", "?lang=", "?page=", "#")) for url in reader.urls), reader.urls


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_wait_trouble_and_outcome_has_its_words(language: Language) -> None:
    table = texts(language)
    (point,) = build_view(known(showroom.charging())).charge_points
    (socket,) = point.sockets
    for state in State:
        for wait in [*Wait, None]:
            view = replace(
                build_view(known()),
                charge_points=(replace(point, sockets=(replace(socket, state=state, waits_for=wait),)),),
            )
            html = PAGE.fragments(view, language)[f"now-{socket.address}"]
            assert table.states[state] in html
            assert "{" not in html
    for trouble in Trouble:
        view = replace(build_view(known()), link=replace(build_view(showroom.no_token()).link, trouble=trouble))
        assert [told.title for told in Words(table, view).warnings()] == [table.troubles[trouble].title]


def test_names_and_words_from_outside_are_only_text() -> None:
    rude = "<script>alert(1)</script>"
    twin = showroom.charging()
    about = replace(
        known(replace(twin, settings=replace(twin.settings, name=rude, model=f'"{rude}'))),
        commands=[Handled(NOW, "BCU102728", rude, rude, "ERR_REJECTED", rude)],
        errors=[rude],
        where=rude,
        version=rude,
        link=LinkStatus(LinkState.DOWN, NOW, Unauthorized(rude)),
    )
    html = PAGE.whole(build_view(about), "en")
    assert html.count("<script") == 1  # the page's own
    assert "&lt;script&gt;" in html


def test_a_link_that_is_being_made_is_no_trouble_yet() -> None:
    said = text(replace(known(), link=LinkStatus(LinkState.CONNECTING, NOW - timedelta(seconds=2))))
    assert "Connecting since 09:40" in said
    assert "No connection" not in said


def test_nothing_on_the_page_moves_while_nothing_happens() -> None:
    """A minute later the parts are the same except for the curves, so that screen readers are not disturbed."""
    about = replace(showroom.rich(), curves={})
    later = replace(about, now=about.now + timedelta(minutes=1))
    before, after = PAGE.fragments(build_view(about), "en"), PAGE.fragments(build_view(later), "en")
    assert {name for name in before if before[name] != after[name]} == set()


def test_the_whole_page_is_under_100_kb() -> None:
    page = len(PAGE.whole(build_view(showroom.rich()), "en").encode())
    files = sum(len(file.content) for file in PAGE.files.values())
    first_events = sum(len(html.encode()) for html in PAGE.fragments(build_view(showroom.rich()), "en").values())
    assert page + files + first_events < 100_000, (page, files, first_events)


def test_costs_are_shown_in_the_tariffs_currency() -> None:
    twin = showroom.charging()
    assert twin.memory.session is not None
    session = replace(twin.memory.session, cost=48.5, currency="SEK")
    house = replace(known(replace(twin, memory=replace(twin.memory, session=session))), sessions={})
    for language in LANGUAGES:
        said = text(house, language)
        assert "48" in said
        assert "€" not in said
        assert "SEK" in said or "kr" in said


def test_a_limit_that_does_not_hold_is_shown() -> None:
    twin = replace(showroom.charging(), limits=Limits(standing=10, owned=Owned(7, 10), unheld=True))
    assert "agreed to the limit of 10 A, but the car draws more" in text(known(twin))
    for language in LANGUAGES:
        assert "10 A" in text(known(twin), language)


def test_an_offline_charge_point_shows_since_when() -> None:
    twin = replace(showroom.empty(), status=Status(activity=Activity.OFFLINE, offline_since=at(4, 41)))
    assert "Not known since 04:41" in text(known(twin))
    assert "The charge point has been offline since 04:41." in text(known(twin))
    unsaid = replace(twin, status=Status(activity=Activity.OFFLINE))
    assert "The charge point is offline, so its state is not known." in text(known(unsaid))


def test_requests_are_shown_by_kind_and_against_what_a_start_needs() -> None:
    said = text(showroom.rich())
    assert "14 today A start of the bridge makes 13, a new connection 5." in said
    assert "GET_CH_STATUS 11 GET_CHARGE_POINTS 2 HELLO 1" in said


@pytest.mark.parametrize("evse_id", ["BCU 1", "BCU/+#", "\u2028\U0001f600", 'BCU"1'])
def test_a_charge_point_that_is_left_out_is_named_and_has_a_place(evse_id: str) -> None:
    about = replace(
        known(Twin(evse_id=evse_id, settings=ChargePointSettings(name="Odd"))),
        left_out={evse_id},
        summary=SummaryView(charge_points=1, left_out=(evse_id,)),
    )
    reader = read(about)
    said = " ".join(" ".join(reader.words).split())
    assert "A charge point is left out" in said
    assert "The hub does not have this charge point" in said
    assert set(PAGE.fragments(build_view(about), "en")) <= set(reader.ids)
    assert not [one for one in reader.ids if re.search(r"\s", one)]


def test_a_large_account_is_summed_up_and_has_pages() -> None:
    said = text(showroom.large())
    assert "1000 charge points Charging 412 No car 588 Power 1234.6 kW Fault: Deck 4" in said
    assert "Page 1 Page 2 Page 3 Page 4 Page 5 … Page 50" in said
    urls = read(showroom.large()).urls
    assert {"?page=46#name-BCU900", "?page=2", "?page=4", "?lang=nl&page=3"} <= set(urls)
    assert 'data-page="3"' in PAGE.whole(build_view(showroom.large()), "en")
    assert PAGE.whole(build_view(showroom.large()), "en").count('aria-current="page"') == 1


@pytest.mark.parametrize(("page", "links"), [(1, {"next"}), (3, {"prev", "next"}), (50, {"prev"})])
def test_the_pages_before_and_after_are_linked(page: int, links: set[str]) -> None:
    html = PAGE.fragments(build_view(showroom.large(page)), "en")["more"]
    assert set(re.findall(r'rel="(\w+)"', html)) == links


def test_a_small_account_has_no_pages() -> None:
    html = PAGE.whole(build_view(showroom.rich()), "en")
    assert "?page=" not in html
    assert '<div id="summary" hidden></div>' in html
