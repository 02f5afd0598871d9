"""Messages of every length arrive as they were sent, whichever way they take."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.pool import ipc as messages
from app.pool.ipc import HEADER_BYTES, SHORT_BYTES, SharedMemory, count_bytes_to_come

LENGTHS = [0, 1, SHORT_BYTES, SHORT_BYTES + 1, 5_000_000, 3, 70_000]


@pytest.fixture(params=["shared memory", "socket only"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[SharedMemory, SharedMemory]]:
    """Of one direction: one writes, the other, with a descriptor of its own, reads."""
    writer = SharedMemory.allocate() if request.param == "shared memory" else SharedMemory(None)
    reader = SharedMemory(None if writer.descriptor is None else os.dup(writer.descriptor))
    yield writer, reader
    writer.close()
    reader.close()


def test_every_length_arrives(ends: tuple[SharedMemory, SharedMemory]) -> None:
    writer, reader = ends
    for length in LENGTHS:
        message = os.urandom(length)
        frame = writer.frame(message)
        assert count_bytes_to_come(frame[:HEADER_BYTES]) == len(frame) - HEADER_BYTES
        received = reader.unframe(frame)
        assert received is not None
        assert bytes(received) == message


def test_a_frame_in_pieces_is_waited_for(ends: tuple[SharedMemory, SharedMemory]) -> None:
    writer, reader = ends
    frame = writer.frame(b"eleven byte")
    assert [reader.unframe(frame[:end]) for end in range(len(frame))] == [None] * len(frame)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no memfd_create")
def test_long_messages_do_not_go_by_the_socket_and_large_ones_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "KEPT_BYTES", 100_000)
    memory = SharedMemory.allocate()
    assert memory.descriptor is not None
    assert len(memory.frame(bytes(500_000))) == HEADER_BYTES
    assert os.fstat(memory.descriptor).st_size == 500_000
    memory.frame(bytes(50_000))
    assert os.fstat(memory.descriptor).st_size == 50_000
    memory.close()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_freed_memory_is_kept() -> None:
    """A page that comes anew from the system is a fault, and faults are counted."""
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
