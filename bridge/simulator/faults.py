"""The faults that a simulated cloud can be told to have."""

from dataclasses import dataclass, field
from typing import Literal

FlowIds = Literal["echo", "empty", "missing"]


@dataclass(slots=True)
class Faults:
    """The faults in force; all are off at first. The last ones make the cloud kinder than the real one is.

    Attributes:
        refuse: for a command, the error in RECEIVED_ with which the cloud refuses it.
        verdict: for a command, the charge point's refusal: `REJECTED` or `TIMEOUT`.
        error: for a command, the number and message of an ERROR.
        rest_error: for an action of the REST API, the number and message of an ERROR.
        silent: commands that are not carried out and get no answer; `*` for all.
        unanswered: commands that are carried out but get no answer.
        no_verdict: commands that are carried out but whose STATUS_ never comes.
        no_receipt: the RECEIVED_ step is left out.
        delay_s: the delay of every answer.
        verdict_delay_s: the additional delay of the second step.
        verdict_first: the CH_STATUS that shows the effect comes after the verdict instead of before.
        quiet: no CH_STATUS is pushed.
        limit_reached: requests and handshakes are refused, and the connection closed with 4001.
        refuse_handshake: the `x-websocket-reject-reason` of every handshake.
        refuse_token: no API token is accepted.
        drop_after_hello: the connection is cut right after HELLO is answered.
        empty_lists: the number of following CHARGE_POINTS answers that are empty.
        flow_ids: whether answers echo the request's `flow_id`, leave it empty, or leave it out.
        errors_name_request: an ERROR carries the `flow_id` like other answers; in the real cloud most do not.
        confirm_block: blocking and unblocking are confirmed by a STATUS_. In the real cloud often only a CH_STATUS
            shows them.
        unasked: pushed settings are followed by CHARGE_POINTS, and pushed currents by GRID_STATUS, without a request.
    """

    refuse: dict[str, str] = field(default_factory=dict)
    verdict: dict[str, str] = field(default_factory=dict)
    error: dict[str, tuple[int, str]] = field(default_factory=dict)
    rest_error: dict[str, tuple[int, str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    no_verdict: set[str] = field(default_factory=set)
    no_receipt: bool = False
    delay_s: float = 0.0
    verdict_delay_s: float = 0.0
    verdict_first: bool = False
    quiet: bool = False
    limit_reached: bool = False
    refuse_handshake: str = ""
    refuse_token: bool = False
    drop_after_hello: bool = False
    empty_lists: int = 0
    flow_ids: FlowIds = "echo"
    errors_name_request: bool = False
    confirm_block: bool = False
    unasked: bool = True

    def is_silent(self, command: str) -> bool:
        """Whether a command gets no answer."""
        return command in self.silent or "*" in self.silent
