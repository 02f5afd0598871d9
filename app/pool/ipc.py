"""How the process that talks HTTP and a worker process hand each other messages of any length, one at a time.

A frame is 8 bytes on a socket: twice the length of the message, and 1 more if it lies in memory that both see; a short
one follows in the frame. A socket takes some 200 kB at a time, so that an image would wake both sides again and again.
"""

import os

HEADER_BYTES = 8
SHORT_BYTES = 16_384
KEPT_BYTES = 16_000_000
"""What stays allocated between messages."""


class SharedMemory:
    """Memory for the messages of one direction, known by a file descriptor; without one they all go by the socket."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self._length = 0

    @classmethod
    def allocate(cls) -> "SharedMemory":
        return cls(os.memfd_create("convserve") if hasattr(os, "memfd_create") else None)

    def frame(self, message: bytes) -> bytes:
        """What is to be sent; it holds until the next message."""
        if self.descriptor is None or len(message) <= SHORT_BYTES:
            return (2 * len(message)).to_bytes(HEADER_BYTES) + message
        if self._length > KEPT_BYTES:
            os.ftruncate(self.descriptor, 0)
        self._length = len(message)
        rest, start = memoryview(message), 0
        while start < len(message):
            start += os.pwrite(self.descriptor, rest[start:], start)
        return (2 * len(message) + 1).to_bytes(HEADER_BYTES)

    def unframe(self, frame: bytes | bytearray) -> bytearray | memoryview | None:
        """The message, once its frame is complete."""
        received = memoryview(frame)
        if len(received) < HEADER_BYTES:
            return None
        length, shared = read_header(frame)
        if not shared:
            return received[HEADER_BYTES:] if len(received) == HEADER_BYTES + length else None
        assert self.descriptor is not None
        message = bytearray(length)
        rest, start = memoryview(message), 0
        while start < length:
            start += os.preadv(self.descriptor, [rest[start:]], start)
        return message

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def read_header(frame: bytes | bytearray) -> tuple[int, bool]:
    """How long the message is, and whether it lies in shared memory."""
    length, shared = divmod(int.from_bytes(frame[:HEADER_BYTES]), 2)
    return length, bool(shared)


def count_bytes_to_come(header: bytes) -> int:
    """On the socket, behind the header."""
    length, shared = read_header(header)
    return 0 if shared else length
