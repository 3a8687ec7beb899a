"""The errors of the bridge, with the code of each that a hub sees (contract 7).

::

    BridgeError
    ├─ Malformed           ERR_MALFORMED          the payload is not a FIMP message
    ├─ UnknownInterface    ERR_UNKNOWN_INTERFACE
    ├─ UnknownAddress      ERR_UNKNOWN_ADDRESS
    ├─ InvalidValue        ERR_INVALID_VALUE
    ├─ InvalidState        ERR_INVALID_STATE
    ├─ NotSupported        ERR_NOT_SUPPORTED
    │   └─ UnknownRequest                         the cloud does not know the request
    ├─ Expired             ERR_EXPIRED
    └─ CloudError
        ├─ Rejected        ERR_REJECTED           the cloud or the charge point refused
        │   └─ Forbidden                          the account may not do this (error 2)
        ├─ VerdictTimeout  ERR_TIMEOUT            the outcome is unknown
        ├─ Unauthorized    ERR_UNAUTHORIZED       permanent: no token, or a refused one
        │   └─ LoginLapsed                        retryable: a new login fetches another token for requests
        ├─ Disconnected    ERR_DISCONNECTED       retryable
        │   ├─ NotSent                            the request was not sent, so nothing has happened
        │   └─ AlreadyConnected                   another connection is open
        └─ RequestLimit    ERR_REQUEST_LIMIT      retryable after midnight in Amsterdam

Every module may import this one. It imports no other.
"""

from datetime import datetime
from typing import ClassVar, Literal

ErrorCode = Literal[
    "ERR_MALFORMED",
    "ERR_UNKNOWN_INTERFACE",
    "ERR_UNKNOWN_ADDRESS",
    "ERR_INVALID_VALUE",
    "ERR_INVALID_STATE",
    "ERR_NOT_SUPPORTED",
    "ERR_REJECTED",
    "ERR_TIMEOUT",
    "ERR_DISCONNECTED",
    "ERR_REQUEST_LIMIT",
    "ERR_UNAUTHORIZED",
    "ERR_EXPIRED",
]


class BridgeError(Exception):
    """The base class of all errors of the bridge. The message is a sentence that says what to do.

    Attributes:
        code: the code in `evt.error.report`.
        retryable: a later attempt may succeed without a change by the user.
    """

    code: ClassVar[ErrorCode]
    retryable: ClassVar[bool] = False


class Malformed(BridgeError):
    """The payload on a command topic is not a FIMP message.

    Attributes:
        uid: the `uid` of the message, if it could be read, for the answer.
    """

    code = "ERR_MALFORMED"

    def __init__(self, text: str, *, uid: str | None = None) -> None:
        super().__init__(text)
        self.uid = uid


class UnknownInterface(BridgeError):
    """The service has no such command."""

    code = "ERR_UNKNOWN_INTERFACE"


class UnknownAddress(BridgeError):
    """There is no such thing, or it has no such service."""

    code = "ERR_UNKNOWN_ADDRESS"


class InvalidValue(BridgeError):
    """The command has a wrong `val_t`, value or property."""

    code = "ERR_INVALID_VALUE"


class InvalidState(BridgeError):
    """The command is not possible in the present state."""

    code = "ERR_INVALID_STATE"


class NotSupported(BridgeError):
    """This charge point or the cloud cannot do it."""

    code = "ERR_NOT_SUPPORTED"


class UnknownRequest(NotSupported):
    """The cloud does not know the request (its error 0)."""


class Expired(BridgeError):
    """The command is older than `commands.max_age`."""

    code = "ERR_EXPIRED"


class CloudError(BridgeError):
    """The base class of the errors of the cloud and of the link to it."""


class Rejected(CloudError):
    """The cloud or the charge point refused.

    Attributes:
        words: the reason in the words of the cloud.
    """

    code = "ERR_REJECTED"

    def __init__(self, words: str) -> None:
        super().__init__(f"Blue Current refused: {words}")
        self.words = words


class Forbidden(Rejected):
    """The account may not make this request for this charge point (the cloud's error 2). A retry does not help."""


class VerdictTimeout(CloudError):
    """No verdict arrived, or the charge point did not answer the cloud. The outcome is unknown."""

    code = "ERR_TIMEOUT"


class Unauthorized(CloudError):
    """There is no token, or the cloud refuses it. It is not tried again until it changes."""

    code = "ERR_UNAUTHORIZED"


class LoginLapsed(Unauthorized):
    """The cloud no longer accepts the token for requests. A new login may fetch another one."""

    retryable = True


class Disconnected(CloudError):
    """The link is down, or went down before the verdict."""

    code = "ERR_DISCONNECTED"
    retryable = True


class NotSent(Disconnected):
    """There is no connection, and the request was not sent, so nothing has happened."""


class AlreadyConnected(Disconnected):
    """Another connection is open. The cloud accepts one at a time, per address or per account (not proven)."""


class RequestLimit(CloudError):
    """The day's request limit is reached.

    Attributes:
        until: when requests are possible again.
    """

    code = "ERR_REQUEST_LIMIT"
    retryable = True

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"Blue Current's request limit for today is reached. It ends at {until:%H:%M:%S on %d %B} "
            "(Amsterdam time); the bridge reconnects by itself then."
        )
        self.until = until
