"""Messages survive packing, and invalid ones are rejected before memory is allocated."""

import os
import pickle
import platform
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from app.context import StepTime
from app.pool import ipc
from app.pool.ipc import (
    MAX_ENVELOPE_BYTES,
    MAX_INLINE_BYTES,
    PREFIX,
    IPCError,
    Reply,
    Report,
    Request,
    SharedMemory,
    TaskFailure,
    decode_reply,
    decode_request,
    encode,
    pack_message,
    read_prefix,
    split_blobs,
    unpack_message,
)

SIZES = [0, 1, MAX_INLINE_BYTES, MAX_INLINE_BYTES + 1, 5_000_000, 3, 70_000]


@pytest.fixture
def ends() -> Iterator[tuple[SharedMemory, SharedMemory]]:
    """The writer and the reader of one direction. The reader has its own descriptor."""
    writer = SharedMemory.allocate()
    if writer.descriptor is None:
        pytest.skip("this system has no memfd_create")
    reader = SharedMemory(os.dup(writer.descriptor))
    yield writer, reader
    writer.close()
    reader.close()


def test_blobs_survive_shared_memory(ends: tuple[SharedMemory, SharedMemory]) -> None:
    writer, reader = ends
    for size in SIZES:
        blobs = [os.urandom(size), b"", os.urandom(5)]
        writer.write(blobs)
        assert reader.read([len(blob) for blob in blobs]) == blobs


def test_lengths_beyond_the_shared_memory_are_rejected(ends: tuple[SharedMemory, SharedMemory]) -> None:
    writer, reader = ends
    writer.write([bytes(100)])
    for lengths in ([101], [50, 51], [2**40]):
        with pytest.raises(IPCError, match="holds fewer"):
            reader.read(lengths)


def test_only_large_blobs_use_shared_memory() -> None:
    memory = SharedMemory.allocate()
    assert not memory.takes(MAX_INLINE_BYTES)
    assert memory.takes(MAX_INLINE_BYTES + 1) == (memory.descriptor is not None)
    assert not SharedMemory(None).takes(10**9)
    memory.close()


def test_large_memory_is_released(ends: tuple[SharedMemory, SharedMemory], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipc, "KEPT_BYTES", 100_000)
    writer, _ = ends
    assert writer.descriptor is not None
    writer.write([bytes(500_000)])
    assert os.fstat(writer.descriptor).st_size == 500_000
    writer.write([bytes(50_000)])
    assert os.fstat(writer.descriptor).st_size == 50_000


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        (PREFIX.pack(MAX_ENVELOPE_BYTES + 1, 0, 0), "the envelope has"),
        (PREFIX.pack(10, 1, 2**31), "the blobs have 2147483648 bytes; the limit is 1000"),
        (PREFIX.pack(10, 7, 0), "no valid prefix"),
        (b"\x80\x04\x95\x1a" * 4, "the envelope has"),
    ],
)
def test_prefix_beyond_its_limits_is_rejected(prefix: bytes, reason: str) -> None:
    with pytest.raises(IPCError, match=reason):
        read_prefix(prefix, max_blob_bytes=1000)


def test_envelopes_survive_encoding() -> None:
    request = Request(3, "id", "filter", msgspec.Raw(encode({"a": [1, None]})), [4, 5])
    received = decode_request(encode(request))
    assert (received.number, received.request_id, received.task) == (3, "id", "filter")
    assert (bytes(received.params), received.blob_lengths) == (bytes(request.params), [4, 5])
    report = Report(7, {"decode": "libjpeg-turbo"}, [StepTime("decode", 1, 0.25)])
    reply = Reply(3, error=TaskFailure("bad-parameter", "no", {"parameter": "sigma"}), report=report, blob_lengths=[2])
    assert decode_reply(encode(reply)) == reply


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/convserve-was-here",)


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        encode([1, 2]),
        encode({"number": "1"}),
        encode({"number": 1, "blob_lengths": [-1]}),
        encode({"number": 1, "report": {"backends": {"decode": "a\r\nSet-Cookie: x"}}}),
        encode({"number": 1, "report": {"steps": [["decode", 0, float("nan")]]}}),
        encode({"number": 1, "error": {"slug": "Not A Slug", "message": ""}}),
        encode({"number": 1})[:-1],
        b"\x91" * 5000,
        pickle.dumps(Evil()),
    ],
)
def test_invalid_reply_is_rejected(envelope: bytes) -> None:
    with pytest.raises(IPCError, match="not valid"):
        decode_reply(envelope)


def test_blobs_are_split_by_their_lengths() -> None:
    assert split_blobs(b"abcdef", [2, 0, 4]) == [b"ab", b"", b"cdef"]
    with pytest.raises(IPCError, match="5 bytes, but the frame has 6"):
        split_blobs(b"abcdef", [2, 3])


def test_messages_survive_packing() -> None:
    message = pack_message(b"envelope", [b"one", b"two"])
    envelope, blobs = unpack_message(message, 1000)
    assert (bytes(envelope), bytes(blobs)) == (b"envelope", b"onetwo")
    for wrong in (b"", message[:-1], message + b"x", message[:10]):
        with pytest.raises(IPCError):
            unpack_message(wrong, 1000)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_freed_memory_is_kept() -> None:
    """Every new page from the system is a page fault, and the system counts page faults."""
    code = (
        "import resource, sys\n"
        "from app.system import keep_freed_memory\n"
        "if sys.argv[1] == 'keep': keep_freed_memory()\n"
        "for round in range(40):\n"
        "    if round == 20: before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    blocks = [b'x' * 300_000 for _ in range(8)]\n"
        "    blocks = None\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    kept, given_back = (
        int(subprocess.run([sys.executable, "-c", code, way], capture_output=True, check=True).stdout)
        for way in ("keep", "give back")
    )
    assert given_back > 1000
    assert kept < given_back / 10
