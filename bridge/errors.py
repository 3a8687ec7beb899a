"""What can go wrong, once, with the code that a hub sees for it.

::

    BridgeError
    ├─ Malformed           ERR_MALFORMED          what came is no FIMP message
    ├─ UnknownInterface    ERR_UNKNOWN_INTERFACE
    ├─ UnknownAddress      ERR_UNKNOWN_ADDRESS
    ├─ InvalidValue        ERR_INVALID_VALUE
    ├─ InvalidState        ERR_INVALID_STATE
    ├─ NotSupported        ERR_NOT_SUPPORTED
    │   └─ UnknownRequest                         the cloud does not know the request
    ├─ Expired             ERR_EXPIRED
    └─ CloudError
        ├─ Rejected        ERR_REJECTED           the cloud or the charge point said no
        │   └─ Forbidden                          the account may not do this here (error 2)
        ├─ VerdictTimeout  ERR_TIMEOUT            the outcome is unknown
        ├─ Unauthorized    ERR_UNAUTHORIZED       permanent: no token, or a refused one
        │   └─ LoginLapsed                        retryable: the token for requests has to be fetched anew
        ├─ Disconnected    ERR_DISCONNECTED       retryable
        │   ├─ NotSent                            the request did not leave: nothing has happened
        │   └─ AlreadyConnected                   another connection is open
        └─ RequestLimit    ERR_REQUEST_LIMIT      retryable after midnight in Amsterdam

Every module may import this one; it imports none.
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
    """The base of every error of the bridge. Its text is a sentence that says what to do."""

    code: ClassVar[ErrorCode]
    retryable: ClassVar[bool] = False


class Malformed(BridgeError):
    """What came on a command topic is no FIMP message (contract 7, first row).

    Attributes:
        uid: the message's `uid`, where that much could be read, so that the answer can name it.
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
    """A wrong `val_t`, value or property."""

    code = "ERR_INVALID_VALUE"


class InvalidState(BridgeError):
    """Not possible in the present state."""

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
    """The base of what the cloud, or the way to it, answers instead of doing what was asked."""


class Rejected(CloudError):
    """The cloud or the charge point said no; `words` are its own."""

    code = "ERR_REJECTED"

    def __init__(self, words: str) -> None:
        super().__init__(f"Blue Current refused: {words}")
        self.words = words


class Forbidden(Rejected):
    """The account may not ask this of this charge point (the cloud's error 2). Asking again does not help."""


class VerdictTimeout(CloudError):
    """No verdict came, or the charge point did not answer the cloud. The outcome is unknown."""

    code = "ERR_TIMEOUT"


class Unauthorized(CloudError):
    """There is no token, or the cloud refuses it. Not tried again until the token changes."""

    code = "ERR_UNAUTHORIZED"


class LoginLapsed(Unauthorized):
    """The cloud no longer accepts the token for requests; logging in again may help."""

    retryable = True


class Disconnected(CloudError):
    """The link is down, or went down before the verdict."""

    code = "ERR_DISCONNECTED"
    retryable = True


class NotSent(Disconnected):
    """There is no connection, and the request did not leave: nothing has happened."""


class AlreadyConnected(Disconnected):
    """The cloud takes one connection at a time (per address or per account: not proven), and another one is open."""


class RequestLimit(CloudError):
    """The day's request limit is reached; `until` is when it ends."""

    code = "ERR_REQUEST_LIMIT"
    retryable = True

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"Blue Current's request limit for today is reached. It ends at {until:%H:%M:%S on %d %B} "
            "(Amsterdam time); the bridge reconnects by itself then."
        )
        self.until = until
