"""A bridge without sockets: frames and commands go in, and every publication is checked."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bridge.bluecurrent.frames import BadFrame, ChargePoints, parse_frame
from bridge.bluecurrent.protocol import LinkState, LinkStatus
from bridge.hub.line import Publication
from bridge.logs import Log
from bridge.settings import CloudSettings, FimpSettings, HttpSettings, Settings, StorageSettings
from bridge.wiring import Parts, build
from bridge.world import World
from tests.clock import FakeClock
from tests.way_out import faults


@dataclass
class SocketlessBridge:
    """A bridge without sockets: frames and commands go in, publications come out."""

    parts: Parts
    clock: FakeClock
    log: io.StringIO
    described: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last inclusion report of each thing that is there."""

    def frame(self, content: object) -> None:
        """Receive a frame from the cloud."""
        text = content if isinstance(content, str) else json.dumps(content)
        try:
            frame = parse_frame(text)
        except BadFrame:
            return
        self.parts.sync.frame_received(frame)
        for evse_id in self.parts.fleet.evse_ids():
            self.parts.fleet.completed(evse_id)

    def listed(self, points: list[dict[str, Any]]) -> None:
        """The cloud answers CHARGE_POINTS."""
        frame = parse_frame(json.dumps({"object": "CHARGE_POINTS", "data": points}))
        assert isinstance(frame.body, ChargePoints)
        self.parts.fleet.listed(frame.body.listed)
        for evse_id in self.parts.fleet.evse_ids():
            self.parts.fleet.completed(evse_id)
        self.parts.reporter.connected(self.parts.things.will_addresses(), renewed=False)

    def drain(self) -> list[Publication]:
        """Publish everything to a broker that accepts every message."""
        taken: list[Publication] = []
        reporter = self.parts.reporter
        reporter.connected(self.parts.things.will_addresses(), renewed=True)
        while True:
            publication = reporter.take()
            if publication is None:
                return taken
            assert isinstance(publication, Publication), publication
            violations = faults(publication.path, publication.payload)
            assert not violations, violations
            reporter.acknowledged(publication)
            self._note(publication)
            taken.append(publication)

    def _note(self, publication: Publication) -> None:
        report = publication.report
        if report.type == "evt.thing.inclusion_report":
            assert isinstance(report.value, dict)
            self.described[report.about] = report.value
        elif report.type == "evt.thing.exclusion_report":
            self.described.pop(report.about, None)

    def faults(self) -> list[dict[str, Any]]:
        """The log lines that report a fault of the bridge itself."""
        lines = [json.loads(line) for line in self.log.getvalue().split("\n") if line]
        return [line for line in lines if line["level"] in ("error", "critical") or "exception" in line]


def socketless_bridge(*, prefix: str = "", state_set: str = "extended") -> SocketlessBridge:
    """A bridge whose link and broker are up."""
    clock, stream = FakeClock(), io.StringIO()
    own = Settings(
        cloud=CloudSettings(api_token=SecretStr("simulated-api-token")),
        fimp=FimpSettings(state_set=state_set),
        storage=StorageSettings(path=Path(":memory:")),
        http=HttpSettings(listen=""),
        mqtt={"topic_prefix": prefix},
    )
    parts = build(own, Log("debug", "json", stream), World(clock))
    parts.link.status = LinkStatus(LinkState.UP, clock.now())
    parts.sync.first_look.set()
    return SocketlessBridge(parts, clock, stream)


async def end(made: SocketlessBridge) -> None:
    """Leave nothing behind."""
    await made.parts.tasks.end()
    made.parts.storage.close()
