"""The server's own responses, to requests that the app never sees. After each of them the connection is closed."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.context import Record, choose_request_id, current_record
from app.errors import ErrorResponse, OverloadedError
from app.observability.logs import access, log_request
from app.server.request_head import RequestHead

Headers = list[tuple[bytes, bytes]]
RenderError = Callable[[Exception, str, str, str], ErrorResponse]
"""Called with an error, the id of the request, its path and its Origin header. The response has all headers that it
needs, except X-Request-ID, Content-Length and Connection."""

OVERLOAD_SECONDS = 0.1
"""After an upload was rejected because the queue is full."""

logger = logging.getLogger(__name__)


class Rejections:
    """Renders, counts and logs them."""

    def __init__(self, render_error: RenderError) -> None:
        self.render_error = render_error
        self.counts: Counter[str] = Counter()
        """Since the start, by the slug of the problem."""
        self._overload_ends_at = -math.inf  # on the loop's clock
        self._overloads: Counter[str] = Counter()  # by the client's address, since `log_overloads`

    def reject(self, error: Exception, head: RequestHead, client: str, default_headers: Headers) -> bytes:
        """The whole response. It is counted and logged."""
        request_id = choose_request_id(head.request_id.decode("latin-1"))
        response = self.render(error, request_id, head)
        self.counts[response.slug] += 1
        is_overload = isinstance(error, OverloadedError)
        if is_overload:
            self._overload_ends_at = asyncio.get_running_loop().time() + OVERLOAD_SECONDS
        if is_overload and not access.isEnabledFor(logging.DEBUG):
            self._overloads[client] += 1  # a line for each would cost more than the rejection itself
        else:
            log_rejection(Record(request_id, client=client, status=response.status, problem=response.slug))
        return write_response(response, request_id, default_headers)

    def is_overload(self) -> bool:
        """Whether an upload was rejected just now because the queue is full."""
        return asyncio.get_running_loop().time() < self._overload_ends_at

    def render(self, error: Exception, request_id: str, head: RequestHead) -> ErrorResponse:
        return self.render_error(error, request_id, head.url.decode("latin-1"), head.origin.decode("latin-1"))

    def log_overloads(self) -> None:
        """One line for all uploads rejected since the last call."""
        if self._overloads:
            clients = ", ".join(f"{count} from {client}" for client, count in self._overloads.most_common(3))
            logger.warning("rejected %d uploads because the queue is full: %s", self._overloads.total(), clients)
            self._overloads.clear()


def write_response(response: ErrorResponse, request_id: str, default_headers: Headers) -> bytes:
    headers = [
        *default_headers,
        *response.headers,
        (b"x-request-id", request_id.encode("latin-1")),
        (b"content-length", b"%d" % len(response.body)),
        (b"connection", b"close"),
    ]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return STATUS_LINE[response.status] + lines + b"\r\n" + response.body


def log_rejection(record: Record) -> None:
    token = current_record.set(record)
    log_request(record)
    current_record.reset(token)
