"""What can be made to go wrong, on demand."""

from dataclasses import dataclass, field
from typing import Literal

FlowIds = Literal["echo", "empty", "missing"]


@dataclass(slots=True)
class Faults:
    """The faults in force; all off at first. The last ones make the cloud kinder than the real one is.

    Attributes:
        refuse: command → why the cloud refuses it, in RECEIVED_.
        verdict: command → the charge point's refusal, `REJECTED` or `TIMEOUT`.
        error: command → number and message of an ERROR.
        rest_error: action of the app's side → number and message of an ERROR.
        silent: commands that get no answer at all; `*` for all.
        unanswered: commands that are carried out, and get no answer all the same.
        no_verdict: commands that are carried out, and whose STATUS_ never comes.
        no_receipt: the RECEIVED_ step is left out.
        delay_s: how long every answer takes.
        verdict_delay_s: how long the second step takes beside that.
        verdict_first: the CH_STATUS that shows the effect comes after the verdict instead of before.
        quiet: no CH_STATUS is pushed.
        limit_reached: requests and handshakes are refused, and the connection closed with 4001.
        refuse_handshake: the `x-websocket-reject-reason` of every handshake.
        refuse_token: no API token is accepted.
        drop_after_hello: the connection is cut right after HELLO is answered.
        empty_lists: how many CHARGE_POINTS answers to come list nothing.
        flow_ids: whether answers echo the request's `flow_id`, leave it empty, or leave it out.
        errors_name_request: an ERROR carries the `flow_id` as other answers do; most of the real ones do not.
        confirm_block: blocking and unblocking are confirmed by a STATUS_; the real cloud often lets only CH_STATUS
            show it.
        unasked: CHARGE_POINTS comes with pushed settings, and GRID_STATUS with pushed currents, though nobody asked.
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
