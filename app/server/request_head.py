"""The head of a request, as far as the server needs it to reject the request."""


class RequestHead:
    """Filled header by header while the head arrives."""

    def __init__(self) -> None:
        self.url = b""
        """Path and query."""
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
