"""The head of a request, as far as the server needs it to reject the request."""

import contextlib
import socket

import httptools

PEEKED_BYTES = 8192


class RequestHead:
    """Filled by the callbacks of a parser."""

    def __init__(self) -> None:
        self.is_complete = False
        self.method = b""
        """Empty until the head is complete."""
        self.body_bytes = 0
        """The Content-Length; 0 for a body without one."""
        self.request_id = b""
        self.origin = b""

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


def peek_head(connection: socket.socket) -> RequestHead:
    """The head of the first request, as far as it has arrived. The data stays in the socket."""
    head = RequestHead()
    parser = httptools.HttpRequestParser(head)
    with contextlib.suppress(OSError, httptools.HttpParserError):  # a `Connection` will meet the same error
        parser.feed_data(connection.recv(PEEKED_BYTES, socket.MSG_PEEK))
    if head.is_complete:
        head.method = parser.get_method()
    return head
