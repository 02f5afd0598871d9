"""gzip for what browsers load as a page: text that is the same for every client."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.middleware.accept_header import prefers_gzip

COMPRESSED_PATHS = frozenset(("/", "/docs", "/openapi.json", "/problems", "/kernels"))
COMPRESSED_FOLDERS = ("/static/", "/docs/assets/")
MIN_BYTES = 500
MIN_THREAD_BYTES = 8_000
"""Longer parts are compressed in a thread, not on the event loop: this length takes about 0.2 ms."""


class CompressPages:
    """Compresses the page, its files and the documentation for clients that accept gzip.

    Not with Starlette's GZipMiddleware, which reads no weights: for it, `gzip;q=0` asks for gzip.

    Other responses stay as they are: images are compressed already, and compressing results would cost time for every
    request. The ETag of a compressed response is weak, because its bytes differ from those of the uncompressed one
    (RFC 9110, 8.8.3).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_compressed(scope["path"]):
            return await self.app(scope, receive, send)

        async def send_with_weak_etag(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                if "content-encoding" in headers and headers.get("etag", "").startswith('"'):
                    headers["etag"] = f"W/{headers['etag']}"
            await send(message)

        responder: ASGIApp
        if prefers_gzip(Headers(scope=scope)):
            responder = GZipResponder(self.app, MIN_BYTES, thread_minimum_size=MIN_THREAD_BYTES)
        else:
            responder = IdentityResponder(self.app, MIN_BYTES)
        await responder(scope, receive, send_with_weak_etag)


def is_compressed(path: str) -> bool:
    return path in COMPRESSED_PATHS or path.startswith(COMPRESSED_FOLDERS)
