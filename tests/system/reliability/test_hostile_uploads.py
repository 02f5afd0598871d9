"""Every hostile file to every image route: the right 4xx in time, and no process is replaced."""

import struct
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest

from tests.support import bombs
from tests.support.images import draw_noise, encode, write_chunk
from tests.support.service import RunningService

ROUTES = ("/filter/edge", "/filter?operations=[\"edge\"]", "/gallery?kernels=edge", "/learn", "/classify", "/read",
          "/classify/explain")  # fmt: skip
SHARED = Path("../shared/data/images")
NOISE = encode(draw_noise(16, 16))
COSTLY, UNSUPPORTED, UNPROCESSABLE = 413, 415, 422


def write_png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header has a larger size than its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return NOISE[:8] + write_chunk(b"IHDR", header) + NOISE[33:]


HOSTILE = {
    "JPEG of 1005 scans": (bombs.write_scan_bomb(1005), COSTLY),
    "JPEG of 200,000 comments": (bombs.write_segment_bomb(200_000), COSTLY),
    "PNG of 200,000 texts": (bombs.write_chunk_bomb(200_000), COSTLY),
    "PNG whose texts inflate to 40 MB": (bombs.write_inflating_png(40_000_000, b"zTXt"), COSTLY),
    "PNG whose profile inflates to 40 MB": (bombs.write_inflating_png(40_000_000, b"iCCP"), COSTLY),
    "GIF of 2001 frames": (bombs.write_frame_bomb(2001, "GIF"), COSTLY),
    "APNG of 2001 frames": (bombs.write_frame_bomb(2001, "PNG"), COSTLY),
    "GIF in crumbs": (bombs.write_gif_of_crumbs(500_000), COSTLY),
    "TIFF of 100,000 pages": (bombs.write_tiff_of_pages(100_000), COSTLY),
    "TIFF of 2,000,000 strips": (bombs.write_tiff_of_values(2_000_000), COSTLY),
    "PNG of 65,536 × 65,536": (write_png_of_size(65_536, 65_536), COSTLY),
    "GIF of 65,535 × 65,535": (b"GIF89a\xff\xff\xff\xff" + encode(draw_noise(4, 4), "GIF")[10:], COSTLY),
    "nothing": (b"", UNPROCESSABLE),
    "only the signature of a PNG": (NOISE[:8], UNPROCESSABLE),
    "half a PNG": (NOISE[: len(NOISE) // 2], UNPROCESSABLE),
    "half a JPEG": (encode(draw_noise(16, 16), "JPEG")[:500], UNPROCESSABLE),
    "half a WebP": (encode(draw_noise(16, 16), "WEBP")[:100], UNPROCESSABLE),
    "a PNG with 0 pixels": (write_png_of_size(0, 0), UNPROCESSABLE),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", UNSUPPORTED),
    "HTML": (b"<html><script>alert(1)</script></html>", UNSUPPORTED),
    "PDF": (b"%PDF-1.7\n1 0 obj << >> endobj", UNSUPPORTED),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", UNSUPPORTED),
    "MVG": (b"push graphic-context\nimage over 0,0 0,0 'https://localhost/x'\npop graphic-context", UNSUPPORTED),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(100), UNSUPPORTED),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), UNSUPPORTED),
    "PSD": (b"8BPS\0\1" + bytes(100), UNSUPPORTED),
}
MAX_SECONDS = 20  # a tenth of it on an idle machine


def send(http: httpx2.Client, route: str, data: bytes) -> httpx2.Response:
    """As a form for routes with two images, otherwise raw with a wrong media type."""
    if route == "/learn":
        return http.post(route, files={"before": ("a.png", data), "after": ("b.png", data)})
    return http.post(route, content=data, headers={"Content-Type": "image/png"})


@pytest.fixture(autouse=True)
def _processes_stay(service: RunningService) -> Iterator[None]:
    before = service.list_processes()
    yield
    assert service.list_processes() == before


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_rejected_by_every_route(http: httpx2.Client, name: str) -> None:
    data, status = HOSTILE[name]
    for route in ROUTES:
        started = time.monotonic()
        reply = send(http, route, data)
        assert reply.status_code == status, (route, reply.status_code, reply.text[:300])
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["type"].startswith("/problems#"), reply.text
        assert time.monotonic() - started < MAX_SECONDS, route


@pytest.mark.slow
def test_the_routes_accept_a_normal_image(http: httpx2.Client) -> None:
    """Otherwise the test above would pass with routes that reject everything."""
    digit = np.full((40, 40), 255, np.uint8)
    digit[8:32, 18:22] = 0
    for route in ROUTES:
        reply = send(http, route, encode(digit))
        assert reply.status_code == 200, (route, reply.text[:300])


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the images of ../shared are not here")
def test_unusual_images_are_answered(http: httpx2.Client) -> None:
    """Valid files get 200; PngSuite's x*.png and truncated files get 415 or 422."""
    wrong = []
    files = [path for folder in ("pngsuite", "odd", "exif") for path in sorted((SHARED / folder).iterdir())]
    for number, path in enumerate(path for path in files if path.suffix != ".md"):
        broken = path.name.startswith(("x", "truncated"))
        for route in ROUTES[:1] + ROUTES[2:][number % 5 :][:1]:
            reply = send(http, route, path.read_bytes())
            whole = {200} if route.startswith(("/filter", "/gallery")) else {200, UNPROCESSABLE}
            if reply.status_code not in ({UNSUPPORTED, UNPROCESSABLE} if broken else whole):
                wrong.append((path.name, route, reply.status_code, reply.text[:100]))
    assert not wrong
