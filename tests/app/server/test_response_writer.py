"""The parts of a response arrive in order, together where that is possible, and are not held for long."""

import asyncio
import socket

import pytest

from app.server.response_writer import ResponseWriter


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []
        self.is_closed = False

    def writelines(self, parts: object) -> None:
        assert not self.is_closed
        self.sent.append(list(parts))  # type: ignore[call-overload]

    def is_closing(self) -> bool:
        return self.is_closed


@pytest.mark.parametrize(
    ("parts", "sent"),
    [
        ([b"head", b"body"], [[b"head", b"body"]]),
        ([b"head", b"1", b"2", b"3"], [[b"head", b"1"], [b"2", b"3"]]),
        ([b"head"], [[b"head"]]),
        ([b"head", b"1", b"2"], [[b"head", b"1"], [b"2"]]),
        ([b"head", b""], [[b"head", b""]]),
    ],
)
def test_two_parts_are_sent_together_and_the_last_one_in_the_next_turn(
    parts: list[bytes], sent: list[list[bytes]]
) -> None:
    async def scenario() -> None:
        transport = Transport()
        writer = ResponseWriter(transport, asyncio.get_running_loop())
        for part in parts:
            writer.write(part)
        await asyncio.sleep(0)
        assert transport.sent == sent

    asyncio.run(scenario())


def test_nothing_is_written_after_the_end_of_the_connection() -> None:
    async def scenario() -> None:
        transport = Transport()
        writer = ResponseWriter(transport, asyncio.get_running_loop())
        writer.write(b"head")
        transport.is_closed = True
        await asyncio.sleep(0)
        writer.flush()
        assert transport.sent == []

    asyncio.run(scenario())


def test_a_real_transport_sends_both_parts_in_order() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        writer = ResponseWriter(transport, loop)
        body = bytes(range(256)) * 20_000
        writer.write(b"head")
        writer.write(body)
        reader, other = await asyncio.open_connection(sock=theirs)
        assert await reader.readexactly(4 + len(body)) == b"head" + body
        transport.close()
        other.close()

    asyncio.run(scenario())
