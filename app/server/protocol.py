"""The server's end of a connection, with deadlines for clients that keep it waiting.

uvicorn's protocol over httptools waits for ever wherever in a request a client stalls, takes a request head of any
size, and resets a client that is still sending when its answer is complete. This one does not.
"""

import contextlib
import logging
import socket
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.api.problems import find_problem_type
from app.errors import (
    MalformedRequestError,
    RequestHeadTooLargeError,
    SlowClientError,
    TooManyConnectionsError,
    TooMuchHeldError,
    UnfinishedError,
)
from app.server.lingering_close import Leavetaking, duplicate
from app.server.load_shedding import Accepted, CheckUpload, GiveUpPlace, Refusals
from app.settings import Settings

SHEDDABLE_SECONDS = 1  # behind the least speed, before a connection may have to make room for another

logger = logging.getLogger(__name__)


class Stage(Enum):
    """What a connection is waiting for."""

    SILENT = "a first request"
    HEAD = "the rest of a request head"
    BODY = "the rest of a request body"
    WORK = "an answer of the service"
    REPLY = "the client to read its answer"
    IDLE = "another request"


class Connections(ServerState):
    """What the connections of one server share."""

    def __init__(
        self, settings: Settings, max_connections: int, check_upload: CheckUpload, cors_origins: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.settings = settings
        self.max_connections = max_connections
        self.draining = False
        """Once set, every answer closes its connection."""
        self.idle: dict[Connection, None] = {}
        """Those that have no request in work, the one that has been so for longest first."""
        self.closed: Counter[Stage] = Counter()
        """Connections closed since the start because the client took too long, by what they waited for."""
        self.shed = 0
        """Connections closed since the start to make room for others."""
        self.leavetaking = Leavetaking()
        self.refusals = Refusals(check_upload, self.leavetaking, cors_origins)
        self.patience_s = {
            Stage.SILENT: settings.header_seconds,
            Stage.HEAD: settings.header_seconds,
            Stage.BODY: settings.stall_seconds,
            Stage.REPLY: settings.stall_seconds,
            Stage.IDLE: settings.keep_alive_seconds,
        }

    def __len__(self) -> int:
        return len(self.connections) + len(self.leavetaking)

    def __iter__(self) -> "Iterator[Connection]":
        return iter(cast("list[Connection]", list(self.connections)))

    def judge(self, elapsed_s: float) -> None:
        """Close those whose client has used up the server's patience. `elapsed_s` is the time since the last call."""
        before = self.closed.copy()
        for connection in self:
            connection.judge(elapsed_s)
        self.free_memory()
        self.refusals.report()
        for stage, count in (self.closed - before).items():
            logger.info("closed %d connections that waited too long for %s", count, stage.value)

    def free_memory(self) -> None:
        """Close the slowest clients while what is kept for all of them is too much."""
        excess = sum(connection.held_bytes for connection in self) - self.settings.max_held_bytes
        if excess <= 0:
            return
        for connection in sorted(self, key=lambda one: (one.behind_s, one.held_bytes), reverse=True):
            if excess > 0 and connection.held_bytes:
                excess -= connection.held_bytes
                self.shed += 1
                connection.give_up(TooMuchHeldError("Too much is being sent (CONVSERVE_MAX_HELD_BYTES)."))

    def turn_away(self, accepted: Sequence[Accepted]) -> list[Accepted]:
        """Refuse the uploads for which there is no place; returns the others."""
        others = self.refusals.turn_away(accepted, self.default_headers)
        while len(self) > self.max_connections and self.leavetaking.close_one():
            pass
        return others

    def make_room(self, newest: "Connection") -> None:
        """Where there are too many, close the connection that is missed least; `newest` only as a last resort."""
        if len(self) <= self.max_connections or self.leavetaking.close_one():
            return
        least = next(iter(self.idle))
        if least is newest:
            slowest = max(self, key=lambda connection: connection.behind_s)
            least = slowest if slowest.behind_s > SHEDDABLE_SECONDS else newest
        self.shed += 1
        self.idle.pop(least, None)
        self.connections.discard(least)
        error = TooManyConnectionsError(
            f"There are {self.max_connections} connections already (CONVSERVE_MAX_CONNECTIONS)."
        )
        if least is newest:
            least.refuse(error)
        else:
            least.give_up(error)


class Connection(HttpToolsProtocol):
    """One client's connection. `judge` has to be called a few times a second."""

    server_state: Connections

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings = self.server_state.settings
        self.stage = Stage.SILENT
        self.behind_s = 0.0
        """How long the client has kept the server waiting, less the time that what it moved meanwhile may take."""
        self.parsing: Stage | None = None
        """HEAD or BODY, where the parser is in the middle of one."""
        self._may_keep_alive = False
        self._refusal: Exception | None = None
        self._refused_upload: UnfinishedError | None = None
        self._give_up_place: GiveUpPlace = do_nothing
        self._declared_bytes = 0
        self._body_bytes = 0
        self._still_sending: socket.socket | None = None
        self._head_bytes = 0
        self._received_bytes = 0  # this and the next: since `judge` looked
        self._sent_bytes = 0
        self._unsent_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.server_state.idle[self] = None
        self.server_state.make_room(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._give_up_place()
        self.server_state.idle.pop(self, None)
        if self._still_sending:
            self.server_state.leavetaking.add(self._still_sending)

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        in_head = self.parsing is Stage.HEAD
        super().data_received(data)
        if self._refused_upload:
            self.refuse(self._refused_upload)
        elif in_head and self.parsing is Stage.HEAD:  # the parser tells of a line only when it has ended
            self._head_bytes += len(data)
            if self._head_bytes > self.settings.max_header_bytes:
                self.refuse(self._describe_large_head())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.parsing = Stage.HEAD
        self.behind_s = 0.0
        self._head_bytes = self._declared_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value) + len(b": \r\n")
        if value.isdigit() and name.lower() == b"content-length":
            self._declared_bytes = int(value)

    def on_headers_complete(self) -> None:
        if self._head_bytes > self.settings.max_header_bytes:
            self._refusal = self._describe_large_head()
            raise self._refusal
        self.parsing = Stage.BODY
        self.behind_s = 0.0
        self.server_state.idle.pop(self, None)
        if self.parser.get_method() == b"POST" and (self.cycle is None or self.cycle.response_complete):
            try:
                self._give_up_place = self.server_state.refusals.check_upload(self._declared_bytes)
            except UnfinishedError as error:
                self._refused_upload = error
                return
        super().on_headers_complete()
        self.cycle.transport = cast(Any, LingeringTransport(self))
        # An answer that starts before the body has come closes the connection: who knows how much is to follow.
        self._may_keep_alive = self.cycle.keep_alive
        self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if not self._refused_upload:
            self._body_bytes += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._refused_upload:
            self.parsing = None
            return
        super().on_message_complete()
        self.parsing = None
        self.behind_s = 0.0
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._may_keep_alive and not self.server_state.draining

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._give_up_place()
        self._unset_keepalive_if_required()  # judge() does that, too, and keeps no request in memory after a reset
        self.behind_s = 0.0
        if not self.transport.is_closing() and self.cycle.response_complete:
            self.server_state.idle[self] = None

    def pause_writing(self) -> None:
        self._count_sent()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._count_sent()
        super().resume_writing()

    def _count_sent(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._sent_bytes += max(0, self._unsent_bytes - unsent)
        self._unsent_bytes = unsent

    def judge(self, elapsed_s: float) -> None:
        """Close the connection where the client has used up the server's patience."""
        self._count_sent()
        stage = self.find_stage()
        if stage is not self.stage:
            self.stage = stage
            self.behind_s = 0.0
        moved = {Stage.BODY: self._received_bytes, Stage.REPLY: self._sent_bytes}.get(stage, 0)
        self._received_bytes = self._sent_bytes = 0
        if stage is Stage.WORK:
            return
        self.behind_s = max(0.0, self.behind_s + elapsed_s - moved / self.settings.min_bytes_per_second)
        patience_s = self.server_state.patience_s[stage]
        if self.behind_s <= patience_s:
            return
        self.server_state.closed[stage] += 1
        self.give_up(SlowClientError(f"Waited too long for {stage.value}: {self._describe_patience(stage)}."))

    def give_up(self, error: Exception) -> None:
        """Close now, with an answer where the client is in the middle of a request."""
        if self.stage in (Stage.HEAD, Stage.BODY):
            self.refuse(error)
        elif self.stage in (Stage.SILENT, Stage.IDLE):
            self.transport.close()
        else:
            self.transport.abort()

    @property
    def held_bytes(self) -> int:
        """Kept for the client: what came of an upload that is still arriving, and what it has not read."""
        return self._unsent_bytes + (self._body_bytes if self.parsing is Stage.BODY else 0)

    def find_stage(self) -> Stage:
        if self._unsent_bytes:
            return Stage.REPLY
        if self.flow.read_paused:
            return Stage.WORK
        if self.parsing:
            return self.parsing
        if self.cycle is None:
            return Stage.SILENT
        return Stage.IDLE if self.cycle.response_complete else Stage.WORK

    def _describe_patience(self, stage: Stage) -> str:
        if stage is Stage.HEAD:
            return f"the limit is {self.settings.header_seconds:g} s (CONVSERVE_HEADER_SECONDS)"
        return (
            f"for {self.settings.stall_seconds:g} s (CONVSERVE_STALL_SECONDS) less than "
            f"{self.settings.min_bytes_per_second} bytes a second (CONVSERVE_MIN_BYTES_PER_SECOND) came"
        )

    def _describe_large_head(self) -> RequestHeadTooLargeError:
        return RequestHeadTooLargeError(
            f"The request line and headers have {self._head_bytes} bytes or more; the limit is "
            f"{self.settings.max_header_bytes} (CONVSERVE_MAX_HEADER_BYTES)."
        )

    def shutdown(self) -> None:
        """Close now, or after the answer where a request is in work."""
        if self in self.server_state.idle:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        self.refuse(self._refusal or MalformedRequestError("The request is not HTTP/1.1."))

    def refuse(self, error: Exception) -> None:
        """Answer what is being received with a problem, unless another answer is due first, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            if self.parsing is not Stage.BODY or self.cycle.response_started or self.pipeline:
                return self.transport.abort()
            self.cycle.disconnected = True  # what the service may still answer goes nowhere
            self.cycle.message_event.set()
        self.transport.write(self._write_refusal(error))
        self.close_after_reading()

    def _write_refusal(self, error: Exception) -> bytes:
        """With the id of the request whose body is being received, or else of the one that is to be refused."""
        refusals, headers = self.server_state.refusals, self.server_state.default_headers
        sent = dict(self.headers or ())
        origin = sent.get(b"origin", b"")
        is_open = self.cycle is not None and not self.cycle.response_complete
        begun: Any = self.cycle.scope.get("record") if is_open else None
        if begun is not None:  # the middleware counts and logs it when the service has let go of the request
            begun.status, begun.problem = find_problem_type(error).status, find_problem_type(error).slug
            return refusals.write_answer(error, begun.id.encode(), origin, headers)
        client = self.client[0] if self.client else ""
        return refusals.write(error, client, sent.get(b"x-request-id", b""), origin, headers)

    def close_after_reading(self) -> None:
        """Close, but see the client out if it is still sending: a reset may cost it the answer."""
        self.pipeline = deque()
        if self.parsing and not self.transport.is_closing():
            with contextlib.suppress(OSError):  # no descriptor is left: then it closes at once
                self._still_sending = duplicate(self.transport)
        self.transport.close()


class LingeringTransport:
    """The transport as far as a request's cycle uses it."""

    def __init__(self, connection: Connection) -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.close_after_reading


def do_nothing() -> None:
    """For requests that nothing is kept for."""


def take_all(length: int) -> GiveUpPlace:
    """Refuses no upload."""
    return do_nothing
