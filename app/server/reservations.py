"""The function that reserves a slot in the queue for an upload. The application passes it to the server."""

from collections.abc import Callable

ReleaseSlot = Callable[[], None]
ReserveSlot = Callable[[int], ReleaseSlot]
"""Called with the Content-Length of an upload before its body is read, to reserve a slot in the queue. Raises an
UnfinishedError to reject the upload. Returns a function to call at the end of the request."""


def release_nothing() -> None:
    """No-op: the request reserved no slot."""


def reserve_nothing(body_bytes: int) -> ReleaseSlot:
    """Accepts every upload."""
    return release_nothing
