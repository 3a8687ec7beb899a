"""Texts for the templates: the values of a view in one language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.bluecurrent.protocol import LinkState
from bridge.chargepoint.state import State
from bridge.web.drawing import Curve
from bridge.web.languages import Notice, Texts
from bridge.web.view import (
    BrokerView,
    ChargePointView,
    CommandView,
    DayView,
    ErrorView,
    LimitsView,
    LinkView,
    SessionView,
    SocketView,
    Trouble,
    View,
    Wait,
)

MOST_ERRORS: Final = 8
"""The number of log lines shown."""

NEAR_PAGES: Final = 2
"""The number of pages before and after the shown one to which the page links."""


@dataclass(frozen=True, slots=True)
class Detail:
    """A value with its label."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Advice:
    """A problem and its cure.

    Attributes:
        title: the problem.
        advice: what the user can do.
        words: the bridge's own message, in English; empty where it adds nothing to the title.
    """

    title: str
    advice: str
    words: str


class Words:
    """Gives the texts of a view.

    Args:
        texts: the texts of a language.
        view: the view.
    """

    def __init__(self, texts: Texts, view: View) -> None:
        self.texts = texts
        self.view = view

    # --- a charge point ---

    def title(self, point: ChargePointView, socket: SocketView) -> str:
        """Return the name of a socket: the name of its charge point, with the socket number if it has several."""
        name = point.name or point.evse_id
        return name if socket.socket is None else f"{name}, {self.texts.labels.socket.lower()} {socket.socket}"

    def subtitle(self, point: ChargePointView) -> str:
        """Model and evse_id of a charge point."""
        return " · ".join(part for part in (point.model, point.evse_id if point.name else "") if part)

    def headline(self, socket: SocketView) -> str:
        """Return the state in a word or two."""
        return self.texts.states[socket.state]

    def details(self, socket: SocketView) -> list[str]:
        """Additions to the headline: the time of the change, the power, the energy."""
        say, texts, session = self.texts.say, self.texts, socket.session
        parts = []
        if socket.since is not None:
            how = say.ended if socket.state is State.FINISHED else say.since
            parts.append(how.format(time=texts.when(socket.since, self.view.at)))
        if socket.state is State.CHARGING:
            parts.append(texts.kilowatts(socket.power))
        if session is not None and self._shows_energy(socket, session):
            parts.append(texts.kilowatt_hours(session.energy))
        return parts

    def _shows_energy(self, socket: SocketView, session: SessionView) -> bool:
        """Whether the energy of a session is shown beside the headline."""
        now_seen = session.open and socket.state is not State.UNKNOWN
        return session.energy > 0 and (now_seen or socket.state is State.FINISHED)

    def remarks(self, point: ChargePointView, socket: SocketView) -> Iterator[str]:
        """Yield the sentences below the state: the reason why the socket waits, and its problems."""
        if socket.waits_for is not None:
            yield self._waits(socket.waits_for, socket)
        if socket.limits.unheld is not None:
            yield self.texts.say.limit_unheld.format(limit=self.texts.amperes(socket.limits.unheld))
        if point.left_out:
            yield self.texts.say.left_out

    def _waits(self, wait: Wait, socket: SocketView) -> str:
        say, texts = self.texts.say, self.texts
        if wait is Wait.SCHEDULE:
            return texts.waits[wait].format(window=socket.window) if socket.window is not None else say.schedule_unknown
        if wait is Wait.CHARGE_POINT and socket.offline_since is not None:
            return say.offline_since.format(time=texts.when(socket.offline_since, self.view.at))
        return texts.waits[wait]

    def facts(self, socket: SocketView) -> Iterator[Detail]:
        """Yield the values below the state."""
        texts, labels, session = self.texts, self.texts.labels, socket.session
        if session is not None and session.open:
            if not self._shows_energy(socket, session):
                yield Detail(labels.session, texts.kilowatt_hours(session.energy))
            if session.cost is not None:
                yield Detail(labels.cost, texts.money(session.cost, session.currency))
        if socket.offered is not None and session is not None and session.open:
            yield Detail(labels.offered, self._of(socket.offered, socket.highest))
        yield from self._limits(socket.limits)
        if socket.mode is not None:
            yield Detail(labels.mode, texts.modes.get(socket.mode, socket.mode))
        if session is not None and not session.open:
            yield Detail(labels.last_session, self._last(session))
        if not socket.fixed_cable and socket.vehicle:
            yield Detail(labels.cable, texts.say.locked if socket.cable_locked else texts.say.unlocked)
        yield Detail(labels.lifetime, texts.kilowatt_hours(socket.lifetime))

    def _limits(self, limits: LimitsView) -> Iterator[Detail]:
        labels = self.texts.labels
        shown = (
            (labels.set_limit, limits.standing),
            (labels.session_limit, limits.session),
            (labels.pending_limit, limits.pending),
            (labels.own_schedule, limits.theirs),
        )
        for label, current in shown:
            if current is not None:
                yield Detail(label, self.texts.amperes(current))

    def _of(self, value: float, most: float | None) -> str:
        if most is None or most == value:
            return self.texts.amperes(value)
        return self.texts.say.of.format(value=self.texts.amperes(value), most=self.texts.amperes(most))

    def _last(self, session: SessionView) -> str:
        parts = [self.texts.kilowatt_hours(session.energy)]
        if session.cost is not None:
            parts.append(self.texts.money(session.cost, session.currency))
        if session.finished_at is not None:
            parts.append(self.texts.when(session.finished_at, self.view.at))
        return ", ".join(parts)

    # --- curves and bars ---

    def curve_says(self, curve: Curve, socket: SocketView) -> str:
        """Return a curve in words, for screen readers."""
        return self.texts.say.curve_says.format(
            **{
                "from": self.texts.when(curve.begin, self.view.at),
                "to": self.texts.clock(curve.end),
                "power": self.texts.kilowatts(socket.power),
                "most": self.texts.kilowatts(curve.highest),
            }
        )

    def days_total(self, days: Sequence[DayView]) -> list[str]:
        """Return totals of some days: energy, cost, sessions."""
        energy, sessions = sum(day.energy for day in days), sum(day.sessions for day in days)
        costs: dict[str, float] = {}
        for day in days:
            if day.cost is not None:
                costs[day.currency] = costs.get(day.currency, 0.0) + day.cost
        parts = [self.texts.kilowatt_hours(energy)]
        parts += [self.texts.money(cost, currency) for currency, cost in sorted(costs.items())]
        say = self.texts.say
        parts.append(say.one_session if sessions == 1 else say.sessions_counted.format(count=sessions))
        return parts

    def days_say(self, days: Sequence[DayView]) -> str:
        """Return the bars in words, for screen readers."""
        return self.texts.say.days_say.format(
            **{
                "from": self.texts.day(days[0].day),
                "to": self.texts.day(days[-1].day),
                "energy": ", ".join(self.days_total(days)),
            }
        )

    # --- commands ---

    def command(self, command: CommandView) -> str:
        """Return the name of a command, with its value."""
        name = self.texts.commands.get(command.command, command.command)
        if command.value in ("", "None"):
            return name
        known = {**self.texts.modes, **self.texts.switches}
        return f"{name}: {known.get(command.value.lower(), command.value)}"

    def target(self, command: CommandView) -> str:
        """Return the charge point of a command, or the bridge."""
        return (command.name or command.address) if command.address else self.texts.say.bridge_itself

    def outcome(self, command: CommandView) -> str:
        """Return the outcome of a command."""
        return self.texts.done if command.code is None else self.texts.outcomes[command.code]

    # --- all charge points ---

    def account(self) -> str:
        """Return the number of charge points."""
        return self.texts.say.charge_points.format(count=self.view.summary.charge_points)

    def counts(self) -> Iterator[Detail]:
        """Yield how many sockets are in each state, and their power."""
        for state, count in self.view.summary.states.items():
            yield Detail(self.texts.states[state], str(count))
        if self.view.summary.power is not None:
            yield Detail(self.texts.labels.curve, self.texts.kilowatts(self.view.summary.power))

    def page_numbers(self) -> Iterator[int | None]:
        """Yield the pages to link to; None where some are left out."""
        last = 0
        for number in range(1, self.view.pages + 1):
            if number in (1, self.view.pages) or abs(number - self.view.page) <= NEAR_PAGES:
                if number > last + 1:
                    yield None
                yield number
                last = number

    # --- problems ---

    def warnings(self) -> Iterator[Advice]:
        """Current problems, the most important first."""
        link, broker, say = self.view.link, self.view.broker, self.texts.say
        if link.trouble is not None and link.state is not LinkState.UP:
            notice: Notice = self.texts.troubles[link.trouble]
            obvious = link.trouble in {Trouble.NO_TOKEN, Trouble.LIMIT}
            yield Advice(self._until(notice.title, link), notice.advice, "" if obvious else link.words or "")
        if not broker.up and broker.words is not None:
            yield Advice(say.broker_title, say.broker_advice, broker.words)
        if self.view.summary.left_out:
            yield Advice(say.left_out_title, say.left_out_advice, ", ".join(self.view.summary.left_out))
        if self.view.summary.grids_left_out:
            yield Advice(say.grid_left_out_title, say.grid_left_out_advice, ", ".join(self.view.summary.grids_left_out))

    def _until(self, title: str, link: LinkView) -> str:
        if link.until is None:
            return title
        return f"{title} ({self.texts.say.until.format(time=self.texts.when(link.until, self.view.at))})"

    def link(self) -> str:
        """Return the state of the link."""
        link, say = self.view.link, self.texts.say
        if link.state is LinkState.WAITING:
            return say.no_token
        how = {LinkState.UP: say.up_since, LinkState.CONNECTING: say.connecting}.get(link.state, say.down_since)
        return how.format(time=self.texts.when(link.since, self.view.at))

    def broker(self) -> str:
        """Return the state of the connection to the broker."""
        broker: BrokerView = self.view.broker
        say = self.texts.say
        how = say.up_since if broker.up else say.down_since if broker.words is not None else say.connecting
        text = how.format(time=self.texts.when(broker.since, self.view.at))
        if broker.up or not broker.waiting:
            return text
        return f"{text}. {say.waiting.format(count=broker.waiting)}"

    def requests(self) -> str:
        """Return the number of requests."""
        requests, say = self.view.requests, self.texts.say
        if requests.since == self.view.started_at:
            return say.requests_since_start.format(count=requests.today, time=self.texts.clock(requests.since))
        return say.requests_today.format(count=requests.today)

    def requests_needed(self) -> str:
        """Return how many requests a start and a new connection make."""
        requests = self.view.requests
        return self.texts.say.requests_needed.format(start=requests.per_start, reconnect=requests.per_reconnect)

    def errors(self) -> Sequence[ErrorView]:
        """Return the latest warnings and errors of the log."""
        return self.view.errors[:MOST_ERRORS]
