"""Rejects uploads that cannot be queued, before their bodies are read."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.errors import UnfinishedError
from app.server.lingering_close import LingeringClose
from app.server.rejections import Headers, Rejections
from app.server.request_head import peek_head

OVERLOADED_SECONDS = 0.1  # after a rejected upload

ReleaseSlot = Callable[[], None]
ReserveSlot = Callable[[int], ReleaseSlot]
"""Called with the Content-Length of an upload before its body is read, to reserve a slot in the queue. Raises an
UnfinishedError to reject the upload. Returns a function to call at the end of the request."""


class Accepted(NamedTuple):
    """A new connection. Nothing has been read from it."""

    socket: socket.socket
    client: str
    """IP address."""


class LoadShedder:
    """While uploads are rejected, rejects further ones by their heads alone.

    It gives the same response as a `Connection`, at a third of the cost.
    """

    def __init__(self, reserve_slot: ReserveSlot, rejections: Rejections, lingering: LingeringClose) -> None:
        self.reserve_slot = reserve_slot
        self.rejections = rejections
        self.lingering = lingering

    def is_overloaded(self) -> bool:
        """Whether an upload was rejected just now."""
        return asyncio.get_running_loop().time() < self.rejections.overloaded_at + OVERLOADED_SECONDS

    def shed(self, accepted: Sequence[Accepted], default_headers: Headers) -> list[Accepted]:
        """Reject the uploads that have no slot. Returns the other connections, and those whose head is incomplete."""
        others, reserved = [], []
        for one in accepted:
            head = peek_head(one.socket)
            try:
                if head.method == b"POST":
                    reserved.append(self.reserve_slot(head.body_bytes))
            except UnfinishedError as error:
                response = self.rejections.reject(error, head, one.client, default_headers)
                with contextlib.suppress(OSError):  # the client has disconnected
                    one.socket.send(response)
                self.lingering.add(one.socket)
            else:
                others.append(one)
        for release in reserved:  # each `Connection` reserves a slot again when it has read the head
            release()
        return others


def release_nothing() -> None:
    """No-op: the request reserved no slot."""


def reserve_nothing(body_bytes: int) -> ReleaseSlot:
    """Accepts every upload."""
    return release_nothing
