"""Read a form (multipart/form-data, RFC 7578). A malformed one is rejected with the reason."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from email.message import Message

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

MAX_FIELD_BYTES = 1_000_000
MAX_SHOWN_BYTES = 70
"""Of a boundary in a message. RFC 2046 allows no longer ones."""

NO_BOUNDARY = (
    "The header Content-Type has no boundary. A client library adds it if the program does not set Content-Type itself."
)
BARE_LF = "Lines of the form end with LF; they must end with CR LF (RFC 2046, 4.1.1)."


@asynccontextmanager
async def open_form(request: Request, *, max_files: int, max_fields: int) -> AsyncIterator[FormData]:
    """The fields of a form; its files are closed at the end. Raises HTTPException for a malformed or too large form."""
    try:
        async with aclosing(request.stream()) as stream:
            reader = FormReader(request.headers, stream, max_files=max_files, max_fields=max_fields)
            form = await reader.parse()
    except MultiPartException as error:
        reason = f"The form is malformed: {error.__cause__}." if error.__cause__ else error.message
        raise HTTPException(400, reason) from None
    try:
        yield form
    finally:
        await form.close()


class FormReader(MultiPartParser):
    """Starlette's parser. It also skips a preamble, knows `filename*`, and detects truncation and bare LF."""

    def __init__(
        self, headers: Headers, stream: AsyncGenerator[bytes, None], *, max_files: int, max_fields: int
    ) -> None:
        self.boundary = parse_options_header(headers.get("content-type"))[1].get(b"boundary", b"")
        if not self.boundary:
            raise MultiPartException(NO_BOUNDARY)
        self.is_complete = False
        self.received_bytes = 0
        super().__init__(
            headers,
            self.skip_preamble(stream),
            max_files=max_files,
            max_fields=max_fields,
            max_part_size=MAX_FIELD_BYTES,
        )

    async def parse(self) -> FormData:
        """Raises MultiPartException."""
        async with aclosing(self.stream):
            form = await super().parse()
        if not self.is_complete:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException(
                f"The form is truncated: {self.received_bytes} bytes arrived, and the last line, "
                f"{self.show_boundary()}--, is missing."
            )
        return form

    async def skip_preamble(self, stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """Drop what is before the first line with the boundary (RFC 2046, 5.1.1), and spaces at its end.

        Raises MultiPartException if there is no such line, or if it ends with LF.
        """
        boundary = b"--" + self.boundary
        first_line = re.compile(rb"\n" + re.escape(boundary) + rb"(?:--|[ \t]*(\r?\n))")
        kept_bytes = len(boundary) + 100  # for a line that is in two chunks, with spaces at its end
        is_skipped, end = False, b"\n"  # so that the first line is found like any other
        async for chunk in stream:
            self.received_bytes += len(chunk)
            if is_skipped:
                yield chunk
            else:
                chunk, end = end + chunk, b""
                if found := first_line.search(chunk):
                    if found[1] == b"\n":
                        raise MultiPartException(BARE_LF)
                    is_skipped = True
                    yield boundary + (found[1] or b"--") + chunk[found.end() :]
            end = (end + chunk[-kept_bytes:])[-kept_bytes:]
        if is_skipped and not self.is_complete and re.search(rb"[^\r]\n" + re.escape(boundary + b"--"), end):
            raise MultiPartException(BARE_LF)
        if not is_skipped:
            raise MultiPartException(
                f"{self.received_bytes} bytes arrived, and no line of them is {self.show_boundary()}, the boundary in "
                "the header Content-Type."
            )

    def show_boundary(self) -> str:
        return "--" + self.boundary[:MAX_SHOWN_BYTES].decode("latin-1")

    def on_header_end(self) -> None:
        if b"\n" in self._current_partial_header_value:
            raise MultiPartException(BARE_LF)
        super().on_header_end()

    def on_headers_finished(self) -> None:
        """Take `filename*` for `filename` if it is alone. RFC 7578, 4.2 forbids it, but clients send it."""
        disposition = self._current_part.content_disposition or b""
        if b"filename" not in parse_options_header(disposition)[1]:
            name = find_file_name(disposition.decode("latin-1"))
            if name is not None:
                quoted = name.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "replace")
                self._current_part.content_disposition = disposition + b'; filename="' + quoted + b'"'
        super().on_headers_finished()

    def on_end(self) -> None:
        self.is_complete = True


def find_file_name(disposition: str) -> str | None:
    """The parameter `filename` or `filename*` (RFC 6266) of a Content-Disposition header; None if it has neither."""
    message = Message()
    message["Content-Disposition"] = disposition
    name = message.get_filename()
    return None if name is None else str(name)
