"""A request is cancelled when its client disconnects, and only then."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.middleware import disconnect
from app.middleware.disconnect import CancelOnDisconnect

BODY: Message = {"type": "http.request", "body": b"image", "more_body": False}
PART: Message = {"type": "http.request", "body": b"im", "more_body": True}
GONE: Message = {"type": "http.disconnect"}
SCOPE: Scope = {"type": "http"}


class Client:
    """Sends parts of a body, and disconnects when `leave` is set."""

    def __init__(self, *parts: Message) -> None:
        self.parts = list(parts)
        self.leave = asyncio.Event()
        self.received: list[Message] = []

    async def receive(self) -> Message:
        if self.parts:
            return self.parts.pop(0)
        await self.leave.wait()
        return GONE

    async def send(self, message: Message) -> None:
        self.received.append(message)


class Endpoint:
    """Reads the body and does the work. Notes how it ended."""

    def __init__(self, work: Callable[[Receive], Awaitable[None]]) -> None:
        self.work = work
        self.ended = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while (await receive()).get("more_body"):
                pass
            await self.work(receive)
            await send({"type": "http.response.start", "status": 200})
            self.ended = "done"
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise


async def work_for_long(receive: Receive) -> None:
    await asyncio.sleep(30)


@pytest.fixture(autouse=True)
def watch_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnect, "WATCH_AFTER_SECONDS", 0.01)


def handle(endpoint: Endpoint, client: Client) -> "asyncio.Task[None]":
    request = CancelOnDisconnect(endpoint)(SCOPE, client.receive, client.send)
    return asyncio.get_running_loop().create_task(request)


def test_a_request_ends_when_its_client_disconnects() -> None:
    async def scenario() -> None:
        endpoint, client = Endpoint(work_for_long), Client(PART, BODY)
        request = handle(endpoint, client)
        await asyncio.sleep(0.1)
        assert not request.done()
        client.leave.set()
        async with asyncio.timeout(1):
            await request  # it is no error for the server
        assert (endpoint.ended, client.received, request.cancelled(), request.cancelling()) == (
            "cancelled",
            [],
            False,
            0,
        )

    asyncio.run(scenario())


def test_a_request_of_a_client_that_stays_is_not_cancelled_and_leaves_no_task() -> None:
    async def work(receive: Receive) -> None:
        await asyncio.sleep(0.05)  # longer than until the client is watched

    async def scenario() -> None:
        endpoint, client = Endpoint(work), Client(BODY)
        await handle(endpoint, client)
        await asyncio.sleep(0.01)
        assert (endpoint.ended, len(client.received)) == ("done", 1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        client.leave.set()
        await asyncio.sleep(0.05)

    asyncio.run(scenario())


def test_a_client_that_disconnects_before_the_end_of_the_body_ends_the_request_itself() -> None:
    async def scenario() -> None:
        client = Client(PART)
        client.leave.set()

        async def read(scope: Scope, receive: Receive, send: Send) -> None:
            assert [await receive(), await receive()] == [PART, GONE]
            raise ClientDisconnect

        await CancelOnDisconnect(read)(SCOPE, client.receive, client.send)

    asyncio.run(scenario())


def test_the_cancellation_by_the_server_is_passed_on() -> None:
    async def scenario() -> None:
        for leaves in (False, True):
            endpoint, client = Endpoint(work_for_long), Client(BODY)
            request = handle(endpoint, client)
            await asyncio.sleep(0.05)
            if leaves:  # at the same time
                client.leave.set()
                await asyncio.sleep(0)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            assert endpoint.ended == "cancelled"

    asyncio.run(scenario())


def test_a_streaming_response_can_wait_for_the_disconnect() -> None:
    async def wait_for_disconnect(receive: Receive) -> None:
        message = await receive()
        assert message == GONE

    async def scenario() -> None:
        endpoint, client = Endpoint(wait_for_disconnect), Client(BODY)
        request = handle(endpoint, client)
        await asyncio.sleep(0.05)
        assert not request.done()
        client.leave.set()
        async with asyncio.timeout(1):
            await request

    asyncio.run(scenario())
