"""Answers that the server gives itself, before the app has seen the request: problems, and a closed connection."""

import asyncio
import contextlib
import logging
import math
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.api.problems import answer_known_error, find_problem_type
from app.context import Record, choose_request_id, current_record
from app.errors import UnfinishedError
from app.middleware.headers import list_security_headers, list_sharing_headers
from app.observability.logs import access, log_request
from app.server.lingering_close import Leavetaking

NO_ID = b"00000000000000000000000000000000"
CROWDED_SECONDS = 0.1  # after a refused upload
PEEKED_BYTES = 8192

GiveUpPlace = Callable[[], None]
CheckUpload = Callable[[int], GiveUpPlace]
"""Called with the length of a body before it is read, to keep a place for it; raises an UnfinishedError to refuse it.
What it returns is called when the request is over."""
Headers = list[tuple[bytes, bytes]]


class Accepted(NamedTuple):
    """A connection that nothing has been read of."""

    socket: socket.socket
    client: str
    """Its address."""


logger = logging.getLogger(__name__)


class Refusals:
    """Those of one server: what is answered, counted and logged."""

    def __init__(self, check_upload: CheckUpload, leavetaking: Leavetaking, cors_origins: Sequence[str] = ()) -> None:
        self.check_upload = check_upload
        self.leavetaking = leavetaking
        self.cors_origins = cors_origins
        """Origins whose scripts may read the answers."""
        self.counts: Counter[str] = Counter()
        """Since the start, by the slug of the problem."""
        self._uploads: Counter[str] = Counter()  # since `report`, by the client's address
        self._last_upload = -math.inf

    def is_crowded(self) -> bool:
        """Whether uploads are being refused for want of a place."""
        return asyncio.get_running_loop().time() < self._last_upload + CROWDED_SECONDS

    def report(self) -> None:
        """Log the refused uploads since the last time."""
        if self._uploads:
            clients = ", ".join(f"{count} from {client}" for client, count in self._uploads.most_common(3))
            logger.warning("refused %d uploads that could not wait: %s", self._uploads.total(), clients)
            self._uploads.clear()

    def turn_away(self, accepted: Sequence[Accepted], server_headers: Headers) -> list[Accepted]:
        """Refuse those uploads that have no place, as far as their heads have come, and see their clients out.

        It does what a `Connection` does, at a third of the cost. Returns the others.
        """
        others, given_places = [], []
        for one in accepted:
            head = peek_head(one.socket)
            try:
                if head.method == b"POST":
                    given_places.append(self.check_upload(head.body_bytes))
            except UnfinishedError as error:
                answer = self.write(error, one.client, head.request_id, head.origin, server_headers)
                with contextlib.suppress(OSError):  # the client has gone
                    one.socket.send(answer)
                self.leavetaking.add(one.socket)
            else:
                others.append(one)
        for give_up in given_places:  # each asks again once it is read
            give_up()
        return others

    def write(self, error: Exception, client: str, sent_id: bytes, origin: bytes, server_headers: Headers) -> bytes:
        """The whole answer; the refusal is counted and logged."""
        request_id = choose_request_id(sent_id.decode("latin-1"))
        kind = find_problem_type(error)
        self.counts[kind.slug] += 1
        is_upload = kind.slug == "overloaded"
        if is_upload:
            self._last_upload = asyncio.get_running_loop().time()
        if is_upload and not access.isEnabledFor(logging.DEBUG):
            self._uploads[client] += 1  # a line for each would take more time than all the rest
        else:
            log_refusal(Record(request_id, client=client, status=kind.status, problem=kind.slug))
        return self.write_answer(error, request_id.encode(), origin, server_headers)

    def write_answer(self, error: Exception, request_id: bytes, origin: bytes, server_headers: Headers) -> bytes:
        """A problem after which the connection is closed."""
        retry_after_s = getattr(error, "retry_after_s", None)
        shared = bool(self.cors_origins)
        status, head, body = write_problem(type(error), str(error), retry_after_s, shared)  # type: ignore[arg-type]
        body = body.replace(NO_ID, request_id)
        sharing = join_headers(list_sharing_headers(origin.decode("latin-1"), self.cors_origins))
        own = b"x-request-id: %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (request_id, len(body))
        return STATUS_LINE[status] + join_headers(server_headers) + head + sharing + own + body


class Head:
    """Of a request; filled in by the parser. Without a method it has not come whole."""

    method = b""
    body_bytes = 0
    request_id = b""
    origin = b""
    is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length" and value.isdigit():
            self.body_bytes = int(value)
        elif name == b"x-request-id":
            self.request_id = value
        elif name == b"origin":
            self.origin = value

    def on_headers_complete(self) -> None:
        self.is_complete = True


def peek_head(accepted: socket.socket) -> Head:
    """The head of a first request, which stays to be read."""
    head = Head()
    parser = httptools.HttpRequestParser(head)
    with contextlib.suppress(OSError, httptools.HttpParserError):  # for a `Connection` to find out and answer
        parser.feed_data(accepted.recv(PEEKED_BYTES, socket.MSG_PEEK))
    if head.is_complete:
        head.method = parser.get_method()
    return head


def log_refusal(record: Record) -> None:
    token = current_record.set(record)
    log_request(record)
    current_record.reset(token)


@lru_cache(maxsize=16)
def write_problem(
    kind: type[Exception], message: str, retry_after_s: int | None, shared: bool
) -> tuple[int, bytes, bytes]:
    """Status, headers, and the body with a place for the id. Kept, as thousands get the same when all is full."""
    error = kind(message)
    if isinstance(error, UnfinishedError) and retry_after_s is not None:
        error.retry_after_s = retry_after_s
    token = current_record.set(Record(NO_ID.decode()))
    answer = answer_known_error(None, error)
    current_record.reset(token)
    own = [header for header in answer.raw_headers if header[0] != b"content-length"]
    return answer.status_code, join_headers([*own, *list_security_headers(shared)]), bytes(answer.body)


def join_headers(headers: Headers) -> bytes:
    return b"".join(b"%s: %s\r\n" % header for header in headers)
