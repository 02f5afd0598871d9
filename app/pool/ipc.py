"""Messages between the HTTP process and a worker process.

A message has an envelope, which is a typed struct in MessagePack, and blobs, which are raw bytes such as image files.
It is sent as a frame over a socket pair:

| bytes | content                                                           |
|-------|-------------------------------------------------------------------|
| 4     | length of the envelope, big-endian like all integers              |
| 4     | 1 if the blobs are in shared memory, 0 if they follow the envelope |
| 8     | length of all blobs                                               |
| n     | the envelope                                                      |
| m     | the blobs, unless they are in shared memory                       |

One request is in flight at a time; the reply repeats its number. As JSON, the envelopes of `POST /filter/blur` are

    {"number": 7, "request_id": "5bd3f0f5c3c44d5f", "task": "filter", "blob_lengths": [24017],
     "params": {"operations": "[{\\"kernel\\": \\"blur\\"}]", "frames": "all", "format": "png", ...}}

    {"number": 7, "blob_lengths": [31277], "error": null,
     "result": {"format": "png", "origin": [640, 480], "size": [640, 480], "clipped_percent": 0.0},
     "report": {"pixels": 307200, "backends": {"decode": "tensorflow", "convolve": "bands", "encode": "isa-l"},
                "steps": [["decode", 1764187200000000000, 0.0021], ...]}}

or, for a damaged image,

    {"number": 7, "blob_lengths": [], "result": null, "report": {...},
     "error": {"slug": "corrupt-image", "message": "The image is damaged: ...", "fields": {}}}

A worker decodes untrusted files, so the HTTP process does not trust its replies: lengths are checked before memory is
allocated, and envelopes are validated against their types. Nothing in a message is executed.
"""

import os
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from app.context import Name, StepTime

PREFIX = struct.Struct(">IIQ")
MAX_ENVELOPE_BYTES = 4_000_000
MAX_INLINE_BYTES = 16_384
"""Blobs up to this size follow the envelope, which saves a system call on each side."""
KEPT_BYTES = 16_000_000
"""Shared memory that stays allocated between messages."""
NOTHING = Raw(b"\xc0")
"""MessagePack's nil."""

Length = Annotated[int, Meta(ge=0, le=2**40)]


class IPCError(ValueError):
    """A frame that does not follow the protocol."""


class Report(msgspec.Struct):
    """Measurements of a worker during a task."""

    pixels: Length = 0
    """Decoded pixels: width × height × frames."""
    backends: Annotated[dict[Name, Name], Meta(max_length=10)] = {}  # msgspec copies it
    """The library or code path of each step that has several with the same result."""
    steps: Annotated[list[StepTime], Meta(max_length=100)] = []

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Context manager that adds the duration of its body as a step."""
        started_ns, started = time.time_ns(), time.perf_counter()
        try:
            yield
        finally:
            self.steps.append(StepTime(name, started_ns, time.perf_counter() - started))


class TaskFailure(msgspec.Struct, frozen=True):
    """An error of a task: of the request, or of the service."""

    slug: Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,60}\Z")]
    """Of the problem type; `INTERNAL_ERROR` for an unexpected exception."""
    message: Annotated[str, Meta(max_length=20_000)]
    fields: dict[str, Any] = {}


INTERNAL_ERROR = "internal-error"


class Request(msgspec.Struct, frozen=True):
    """The envelope of a message to a worker."""

    number: int
    request_id: str
    """For the worker's log lines."""
    task: str
    """Name in the registry of tasks."""
    params: Raw = NOTHING
    """MessagePack of the task's params."""
    blob_lengths: list[int] = []


class Reply(msgspec.Struct, frozen=True):
    """The envelope of a message from a worker."""

    number: int
    result: Raw = NOTHING
    """MessagePack of the task's result."""
    error: TaskFailure | None = None
    report: Report = msgspec.field(default_factory=Report)
    blob_lengths: Annotated[list[Length], Meta(max_length=10_000)] = []


class Frame(msgspec.Struct, frozen=True):
    """The prefix of a message."""

    envelope_bytes: int
    is_shared: bool
    blob_bytes: int

    @property
    def remaining_bytes(self) -> int:
        """Bytes on the socket after the prefix."""
        return self.envelope_bytes + (0 if self.is_shared else self.blob_bytes)


_encoder = msgspec.msgpack.Encoder()
_request_decoder = msgspec.msgpack.Decoder(Request)
_reply_decoder = msgspec.msgpack.Decoder(Reply)


def encode(value: Any) -> bytes:
    """MessagePack of params, a result or an envelope."""
    return _encoder.encode(value)


def decode_request(envelope: bytes | memoryview) -> Request:
    return _request_decoder.decode(envelope)


def decode_reply(envelope: bytes | memoryview) -> Reply:
    """Raises IPCError for anything but a valid reply."""
    try:
        return _reply_decoder.decode(envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IPCError(f"the reply is not valid: {error}") from None


def read_prefix(prefix: bytes | bytearray | memoryview, max_blob_bytes: int) -> Frame:
    """Raises IPCError if a length exceeds its limit."""
    envelope_bytes, is_shared, blob_bytes = PREFIX.unpack_from(prefix)
    if envelope_bytes > MAX_ENVELOPE_BYTES:
        raise IPCError(f"the envelope has {envelope_bytes} bytes; the limit is {MAX_ENVELOPE_BYTES}")
    if blob_bytes > max_blob_bytes:
        raise IPCError(f"the blobs have {blob_bytes} bytes; the limit is {max_blob_bytes}")
    if is_shared > 1:
        raise IPCError("the frame has no valid prefix")
    return Frame(envelope_bytes, bool(is_shared), blob_bytes)


def split_blobs(data: bytes | memoryview, lengths: Sequence[int]) -> list[bytes]:
    """Raises IPCError if the lengths do not add up to that of the data."""
    if sum(lengths) != len(data):
        raise IPCError(f"the envelope announces blobs of {sum(lengths)} bytes, but the frame has {len(data)}")
    blobs, start = [], 0
    for length in lengths:
        blobs.append(bytes(data[start : start + length]))
        start += length
    return blobs


class SharedMemory:
    """Memory for the blobs of one direction. Without a file descriptor, all blobs are part of the frame."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self._length = 0

    @classmethod
    def allocate(cls) -> "SharedMemory":
        return cls(os.memfd_create("convserve") if hasattr(os, "memfd_create") else None)

    def takes(self, blob_bytes: int) -> bool:
        """Whether blobs of this size go into the memory rather than into the frame."""
        return self.descriptor is not None and blob_bytes > MAX_INLINE_BYTES

    def write(self, blobs: Sequence[bytes]) -> None:
        """Replace the content of the memory, which must not be in use by the other side."""
        assert self.descriptor is not None
        if self._length > KEPT_BYTES:
            os.ftruncate(self.descriptor, 0)
        self._length = sum(map(len, blobs))
        offset = 0
        for blob in blobs:
            rest = memoryview(blob)
            while rest:
                written = os.pwrite(self.descriptor, rest, offset)
                rest, offset = rest[written:], offset + written

    def read(self, lengths: Sequence[int]) -> list[bytes]:
        """Read blobs of these lengths. Raises IPCError if the memory holds fewer bytes."""
        if self.descriptor is None or os.fstat(self.descriptor).st_size < sum(lengths):
            raise IPCError(f"the envelope announces {sum(lengths)} bytes in shared memory, which holds fewer")
        blobs, offset = [], 0
        for length in lengths:
            blob = os.pread(self.descriptor, length, offset)
            while len(blob) < length:
                more = os.pread(self.descriptor, length - len(blob), offset + len(blob))
                if not more:  # the other side has truncated the memory since the check
                    raise IPCError("the shared memory has fewer bytes than the envelope announces")
                blob += more
            blobs.append(blob)
            offset += length
        return blobs

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def pack_frame(envelope: bytes, blobs: Sequence[bytes], memory: SharedMemory) -> bytes:
    """The bytes to send over the socket. Blobs for shared memory must be written there first."""
    blob_bytes = sum(map(len, blobs))
    if memory.takes(blob_bytes):
        return PREFIX.pack(len(envelope), 1, blob_bytes) + envelope
    return b"".join((PREFIX.pack(len(envelope), 0, blob_bytes), envelope, *blobs))


def pack_message(envelope: bytes, blobs: Sequence[bytes]) -> bytes:
    """A message as one byte string, without shared memory, for other transports than a socket."""
    return b"".join((PREFIX.pack(len(envelope), 0, sum(map(len, blobs))), envelope, *blobs))


def unpack_message(message: bytes, max_blob_bytes: int) -> tuple[memoryview, memoryview]:
    """Envelope and blobs of `pack_message`. Raises IPCError."""
    view = memoryview(message)
    if len(view) < PREFIX.size:
        raise IPCError("the message ends before its prefix")
    frame = read_prefix(view, max_blob_bytes)
    if frame.is_shared or len(view) != PREFIX.size + frame.remaining_bytes:
        raise IPCError("the message does not have the length in its prefix")
    return view[PREFIX.size : PREFIX.size + frame.envelope_bytes], view[PREFIX.size + frame.envelope_bytes :]
