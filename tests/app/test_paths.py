"""Every fast path over HTTP: that it is taken, and that it gives what SciPy gives and what the slow path gives."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.app.pictures import draw_blobs, encode, open_image

WIDE = np.array([[1, 0, -2, 3, 1, -1, 2, -3], [0, 1, 2, -1, 0, 4, -3, 1], [2, -1, 0, 1, 3, -2, 1, 0]])
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
PHOTO = draw_blobs(61, 83)


def ask(client: TestClient, file: bytes, weights: NDArray[Any], **query: Any) -> tuple[NDArray[np.uint8], str]:
    """The pixels of the answer, and the path."""
    rows = ";".join(",".join(map(str, row)) for row in weights.tolist())
    query = {"weights": rows, "response": "clip", "format": "png"} | query
    reply = client.post("/filter/custom", params=query, content=file, headers={"Content-Type": "image/png"})
    assert reply.status_code == 200, reply.text
    return np.asarray(open_image(reply.content)), reply.headers["X-Convserve-Path"]


def filter_exactly(pixels: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.uint8]:
    """By SciPy, in whole numbers. Its even kernels have their centre behind the middle, here it is before."""
    origin = [-1 if side % 2 == 0 else 0 for side in weights.shape]
    planes = [
        ndimage.correlate(pixels[:, :, channel].astype(np.int64), weights, mode="nearest", origin=origin)
        for channel in range(3)
    ]
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("way", "weights", "query"),
    [("rows", SHARPEN, {}), ("strips", WIDE, {}), ("planes", SHARPEN, {"stride": "1", "channels": "rgb"})],
    ids=["rows", "strips", "planes"],
)
def test_each_way_to_convolve_gives_what_scipy_gives(
    client: TestClient, way: str, weights: NDArray[Any], query: dict[str, str]
) -> None:
    # With an opaque alpha the whole planes are filtered, and the colours are to be the same.
    pixels = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)]) if way == "planes" else PHOTO
    result, path = ask(client, encode(pixels, "PNG"), weights, **query)
    assert path == f"decode=tensorflow, convolve={way}, encode=isa-l"
    np.testing.assert_array_equal(result[:, :, :3], filter_exactly(PHOTO, weights))


def test_each_way_to_decode_a_jpeg_gives_the_same(client: TestClient) -> None:
    """Bytes between the segments, which make the strict decoder complain, change no pixel."""
    plain = encode(PHOTO, "JPEG", quality=90)
    scan = plain.index(b"\xff\xda")
    odd = plain[:scan] + b"\x00\x00\x00" + plain[scan:]
    fast, fast_path = ask(client, plain, SHARPEN)
    slow, slow_path = ask(client, odd, SHARPEN)
    assert fast_path.startswith("decode=libjpeg-turbo, ")
    assert slow_path.startswith("decode=pillow, ")
    np.testing.assert_array_equal(fast, slow)
    np.testing.assert_array_equal(fast, filter_exactly(np.asarray(open_image(plain)), SHARPEN))


def test_each_way_to_decode_a_png_gives_the_same(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    fast, fast_path = ask(client, encode(PHOTO, "PNG"), SHARPEN)
    slow, slow_path = ask(client, encode(PHOTO, "PNG", exif=exif), SHARPEN)
    assert fast_path.startswith("decode=tensorflow, ")
    assert slow_path.startswith("decode=pillow, ")
    np.testing.assert_array_equal(fast, slow)


def test_each_way_to_write_a_jpeg_gives_the_same(client: TestClient) -> None:
    """Pillow writes what has alpha, laid over white."""
    opaque = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)])
    fast, fast_path = ask(client, encode(PHOTO, "PNG"), SHARPEN, format="jpeg")
    slow, slow_path = ask(client, encode(opaque, "PNG"), SHARPEN, format="jpeg")
    assert fast_path.endswith("encode=opencv")
    assert slow_path.endswith("encode=pillow")
    np.testing.assert_array_equal(fast, slow)
