"""The server's end of a connection.

uvicorn's protocol over httptools has no timeout within a request, accepts a request head of any size, loses the body of
a request that offers an upgrade, and resets the connection of a client that still sends when its response is complete.
This protocol does not.
"""

import contextlib
import socket
from collections import deque
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import MalformedRequestError, RequestHeadTooLargeError, SlowClientError, UnfinishedError
from app.server.client_timer import ClientTimer, ConnectionStage
from app.server.connections import Connections
from app.server.lingering_close import duplicate
from app.server.lingering_transport import LingeringTransport
from app.server.rejections import write_response
from app.server.request_head import RequestHead
from app.server.reservations import ReleaseSlot, release_nothing


class Connection(HttpToolsProtocol):
    """One client's connection. `check_timeouts` has to be called a few times per second."""

    server_state: Connections

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings = self.server_state.settings
        self.timer = ClientTimer(self.server_state.timeouts)
        self.head = RequestHead()
        """Of the request that is received, or was received last."""
        self.parsing: ConnectionStage | None = None
        """HEAD or BODY while the parser is inside of one."""
        self._may_keep_alive = False
        self._ignores_input = False
        """The input is malformed, and is not read further. The connection closes after the responses that are due."""
        self._head_error: Exception | None = None
        self._upload_error: UnfinishedError | None = None
        self._release_slot: ReleaseSlot = release_nothing
        self._head_bytes = self._body_bytes = 0  # of the request that is received
        self._received_bytes = self._sent_bytes = 0  # since the last check of timeouts
        self._unsent_bytes = 0
        self._lingering_socket: socket.socket | None = None

    # -- asyncio's callbacks

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.server_state.idle[self] = None
        self.server_state.limit_count(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._release_slot()
        self.server_state.idle.pop(self, None)
        if self._lingering_socket:
            self.server_state.lingering.add(self._lingering_socket)

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        if self._ignores_input:
            return
        in_head = self.parsing is ConnectionStage.HEAD
        self._parse(data)
        if self._upload_error:
            self.reject(self._upload_error)
        elif in_head and self.parsing is ConnectionStage.HEAD:  # the parser reports a line only when it is complete
            self._head_bytes += len(data)
            if self._head_bytes > self.settings.max_header_bytes:
                self.reject_input(self._make_head_error())

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            body_start: int = stopped.args[0]
            self._decline_upgrade()
            self._parse(data[body_start:])
        except httptools.HttpParserError:
            self.reject_input(self._head_error or MalformedRequestError("The request is not HTTP/1.1."))

    def _decline_upgrade(self) -> None:
        """Read the request again without its Upgrade header, as RFC 9110, 7.8 allows.

        The parser takes what follows an accepted upgrade for another protocol, and drops the body. Java's HttpClient
        and `curl --http2` offer an upgrade to h2c with each request.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s\r\n" % (method, self.url, version)]
        lines += [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        self._parse(b"".join(lines) + b"\r\n")

    def pause_writing(self) -> None:
        self._count_sent()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._count_sent()
        super().resume_writing()

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.parsing = ConnectionStage.HEAD
        self.timer.restart()
        self.head = RequestHead()
        self._head_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self.head.url = self.url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.head.on_header(name, value)
        self._head_bytes += len(name) + len(value) + len(b": \r\n")

    def on_headers_complete(self) -> None:
        if self._head_bytes > self.settings.max_header_bytes:
            self._head_error = self._make_head_error()
            raise self._head_error
        if self.parser.get_method() == b"CONNECT":  # the parser takes what follows it for another protocol
            self._head_error = MalformedRequestError("The service is not a proxy: it does not allow CONNECT.")
            raise self._head_error
        if self.parser.should_upgrade():
            return
        self.parsing = ConnectionStage.BODY
        self.timer.restart()
        self.server_state.idle.pop(self, None)
        if self.parser.get_method() == b"POST" and (self.cycle is None or self.cycle.response_complete):
            try:
                self._release_slot = self.server_state.reserve_slot(self.head.body_bytes)
            except UnfinishedError as error:
                self._upload_error = error
                return
        super().on_headers_complete()
        self.cycle.transport = cast(
            Any, LingeringTransport(self.transport, self.loop, self.cycle, self.close_after_reading)
        )
        # A response that starts before the end of the body closes the connection: the rest may have any size.
        self._may_keep_alive = self.cycle.keep_alive
        self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if not self._upload_error:
            self._body_bytes += len(body)
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        if self._upload_error:
            self.parsing = None
            return
        super().on_message_complete()
        self.parsing = None
        self.timer.restart()
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._may_keep_alive and not self.server_state.draining

    # -- uvicorn's callbacks

    def on_response_complete(self) -> None:
        self._flush_response()
        super().on_response_complete()
        self._release_slot()
        # `check_timeouts` does the same, and uvicorn's timer would keep the request in memory after a reset.
        self._unset_keepalive_if_required()
        self.timer.restart()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self.server_state.idle[self] = None

    def shutdown(self) -> None:
        """Close now, or after the response to a request in work."""
        if self in self.server_state.idle:
            self.transport.close()
        else:
            self.close_after_response()

    # -- timeouts and limits

    def check_timeouts(self, elapsed_s: float) -> None:
        """Close the connection if the client is too slow. `elapsed_s` is the time since the last call."""
        self._count_sent()
        stage = self.find_stage()
        timed_out = self.timer.check(stage, elapsed_s, self._received_bytes, self._sent_bytes)
        self._received_bytes = self._sent_bytes = 0
        if timed_out:
            self.server_state.timed_out[stage] += 1
            limit = self.server_state.timeouts.describe(stage)
            self.give_up(SlowClientError(f"Waited too long for {stage.value}: {limit}."))

    def find_stage(self) -> ConnectionStage:
        if self._unsent_bytes:
            return ConnectionStage.REPLY
        if self.flow.read_paused:
            return ConnectionStage.WORK
        if self.parsing:
            return self.parsing
        if self.cycle is None:
            return ConnectionStage.SILENT
        return ConnectionStage.IDLE if self.cycle.response_complete else ConnectionStage.WORK

    @property
    def held_bytes(self) -> int:
        """Memory held for the client: the received part of an unfinished upload, and the unread part of a response."""
        return self._unsent_bytes + (self._body_bytes if self.parsing is ConnectionStage.BODY else 0)

    def _count_sent(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._sent_bytes += max(0, self._unsent_bytes - unsent)
        self._unsent_bytes = unsent

    def _make_head_error(self) -> RequestHeadTooLargeError:
        return RequestHeadTooLargeError(
            f"The request line and headers have {self._head_bytes} bytes or more; the limit is "
            f"{self.settings.max_header_bytes} (CONVSERVE_MAX_HEADER_BYTES). Long parameters of an upload, such as "
            "weights, may be fields of its form (curl --form-string) or of its JSON instead of the query."
        )

    # -- closing

    def give_up(self, error: Exception) -> None:
        """Close now, with a response if the client is in the middle of a request."""
        if self.timer.stage in (ConnectionStage.HEAD, ConnectionStage.BODY):
            self.reject(error)
        elif self.timer.stage in (ConnectionStage.SILENT, ConnectionStage.IDLE):
            self.transport.close()
        else:
            self.transport.abort()

    def reject(self, error: Exception) -> None:
        """Respond to the received request with a problem, unless an earlier response is due, and close."""
        self._flush_response()
        if self.cycle is not None and not self.cycle.response_complete:
            if self.parsing is not ConnectionStage.BODY or self.cycle.response_started or self.pipeline:
                return self.transport.abort()
            self.cycle.disconnected = True  # the response of the app is discarded
            self.cycle.message_event.set()
        self.transport.write(self._write_rejection(error))
        self.close_after_reading()

    def _flush_response(self) -> None:
        if self.cycle is not None:
            cast(LingeringTransport, self.cycle.transport).writer.flush()

    def reject_input(self, error: Exception) -> None:
        """Respond with a problem and close. If the response to an earlier request is due, only close after it."""
        in_body = self.parsing is ConnectionStage.BODY and self.cycle is not None and self.cycle.scope is self.scope
        if self.cycle is None or self.cycle.response_complete or in_body:
            return self.reject(error)
        self._ignores_input = True
        self.parsing = None
        self.close_after_response()

    def _write_rejection(self, error: Exception) -> bytes:
        rejections, default_headers = self.server_state.rejections, self.server_state.default_headers
        in_work = self.cycle is not None and not self.cycle.response_complete
        record: Any = self.cycle.scope.get("record") if in_work else None
        if record is None:
            client = self.client[0] if self.client else ""
            return rejections.reject(error, self.head, client, default_headers)
        response = rejections.render(error, record.id, self.head)
        record.status, record.problem = response.status, response.slug  # the middleware counts and logs the request
        return write_response(response, record.id, default_headers)

    def close_after_response(self) -> None:
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def close_after_reading(self) -> None:
        """Close; if the client still sends, the socket lingers so that a reset does not discard the response."""
        self.pipeline = deque()
        if (self.parsing or self._ignores_input) and not self.transport.is_closing():
            with contextlib.suppress(OSError):  # no descriptor is left: the socket is closed at once
                self._lingering_socket = duplicate(self.transport)
        self.transport.close()
