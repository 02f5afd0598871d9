"""The files of the web page, below `/static`, with their version in the address."""

import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(str(files("app").joinpath("static")))
REVALIDATE = "no-cache"
"""Browsers ask whether the file is still the same before they use it."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""Browsers do not ask again: another content has another address."""
WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; frame-ancestors 'none'"
"""A worker has the policy of its file, not that of the page: modules of the page, and WebAssembly that they write."""
STYLESHEET = re.compile(rb'<link rel="stylesheet" href="/static/([^"]+)">\n')
ALL_STYLES = "css/all.css"
"""The stylesheets that the page names, one after the other: one request instead of one for each part of the page."""
VERSION = re.compile(r"([0-9a-f]{12})[/\\](.+)", re.ASCII)


@cache
def find_version() -> str:
    """12 hexadecimal digits that depend on the names and the content of all files of the page."""
    digest = sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(STATIC).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def address_file(path: str) -> str:
    """The address of a file of the page. `path` is relative to `app/static`, such as `css/page.css`."""
    return f"/static/{find_version()}/{path}"


@cache
def join_styles() -> bytes:
    """The content of `ALL_STYLES`."""
    names = STYLESHEET.findall((STATIC / "index.html").read_bytes())
    return b"".join((STATIC / name.decode()).read_bytes() for name in names)


def name_one_stylesheet(html: bytes) -> bytes:
    """The page with `ALL_STYLES` in place of the stylesheets it consists of."""
    link = f'<link rel="stylesheet" href="/static/{ALL_STYLES}">\n'.encode()
    before, after = STYLESHEET.split(html, maxsplit=1)[::2]
    return before + link + STYLESHEET.sub(b"", after)


def version_addresses(html: bytes) -> bytes:
    """The page with `/static/VERSION/` in place of `/static/`. Modules import each other by relative addresses, so all
    modules of an opened page have one version."""
    return html.replace(b'"/static/', f'"{address_file("")}'.encode())


class PageFiles(StaticFiles):
    """`/static/VERSION/...` is immutable. Files with another version or none are the current ones, to be revalidated.

    A page of another version asks for them: one that was opened before an update, or came from another replica while an
    update is rolled out.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        versioned = VERSION.fullmatch(path)
        name = (versioned[2] if versioned else path).replace("\\", "/")
        response = (
            Response(join_styles(), media_type="text/css")
            if name == ALL_STYLES
            else await super().get_response(versioned[2] if versioned else path, scope)
        )
        is_current = versioned is not None and versioned[1] == find_version()
        response.headers["Cache-Control"] = IMMUTABLE if is_current else REVALIDATE
        response.headers["X-Content-Type-Options"] = "nosniff"
        if path.endswith("-worker.js"):
            response.headers["Content-Security-Policy"] = WORKER_POLICY
        return response
