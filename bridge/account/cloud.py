"""What services may ask of the cloud. They are handed the link in this form, and open nothing themselves."""

from typing import Protocol, TypeVar

from bridge.bluecurrent.requests import Request

T = TypeVar("T")


class Cloud(Protocol):
    """The link, as services see it."""

    def check(self) -> None:
        """Do nothing while requests can be made.

        Raises:
            CloudError: why they cannot.
        """

    async def ask(self, request: Request[T]) -> T:
        """Make a request and wait for its answer.

        Raises:
            BridgeError: see `Link.ask`.
        """
