"""Every backend over HTTP is used, and gives the pixels of SciPy and of the other backends."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.support.images import draw_blobs, encode, open_image, write_png

WIDE = np.array([[1, 0, -2, 3, 1, -1, 2, -3], [0, 1, 2, -1, 0, 4, -3, 1], [2, -1, 0, 1, 3, -2, 1, 0]])
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
PHOTO = draw_blobs(131, 143)


def filter_custom(
    client: TestClient, file: bytes, weights: NDArray[Any], kernel: str = "custom", **query: Any
) -> tuple[NDArray[np.uint8], str]:
    """The pixels of the result, and the header X-Convserve-Path."""
    rows = ";".join(",".join(map(str, row)) for row in weights.tolist())
    query = {"weights": rows, "response": "clip", "format": "png"} | query
    response = client.post(f"/filter/{kernel}", params=query, content=file, headers={"Content-Type": "image/png"})
    assert response.status_code == 200, response.text
    return np.asarray(open_image(response.content)), response.headers["X-Convserve-Path"]


def filter_exactly(pixels: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.uint8]:
    """By SciPy, in integers. SciPy anchors even kernels after the middle, the service before it."""
    origin = [-1 if side % 2 == 0 else 0 for side in weights.shape]
    planes = [
        ndimage.correlate(pixels[:, :, channel].astype(np.int64), weights, mode="nearest", origin=origin)
        for channel in range(3)
    ]
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


def add_opaque_alpha(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


@pytest.mark.parametrize(
    ("backend", "kernel", "weights"),
    [("bands", "custom", SHARPEN), ("bands", "custom", WIDE), ("planes", "custom,identity", SHARPEN)],
)
@pytest.mark.parametrize("alpha", [False, True], ids=["rgb", "opaque rgba"])
def test_convolve_backends_equal_scipy(
    client: TestClient, backend: str, kernel: str, weights: NDArray[Any], alpha: bool
) -> None:
    pixels = add_opaque_alpha(PHOTO) if alpha else PHOTO
    result, path = filter_custom(client, encode(pixels), weights, kernel)
    assert path == f"decode=tensorflow, convolve={backend}, encode=isa-l"
    expected = filter_exactly(PHOTO, weights)
    np.testing.assert_array_equal(result, add_opaque_alpha(expected) if alpha else expected)


def test_jpeg_decoders_give_equal_pixels(client: TestClient) -> None:
    """The strict decoder rejects bytes before the end of the image, which do not change the pixels."""
    plain = encode(PHOTO, "JPEG", quality=90)
    odd = plain[:-2] + b"\x00\x00\x00" + plain[-2:]
    fast, fast_path = filter_custom(client, plain, SHARPEN)
    slow, slow_path = filter_custom(client, odd, SHARPEN)
    assert fast_path.startswith("decode=libjpeg-turbo, ")
    assert slow_path.startswith("decode=pillow, ")
    np.testing.assert_array_equal(fast, slow)
    np.testing.assert_array_equal(fast, filter_exactly(np.asarray(open_image(plain)), SHARPEN))


def test_png_decoders_give_equal_pixels(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    fast, fast_path = filter_custom(client, encode(PHOTO, "PNG"), SHARPEN)
    slow, slow_path = filter_custom(client, encode(PHOTO, "PNG", exif=exif), SHARPEN)
    assert fast_path.startswith("decode=tensorflow, ")
    assert slow_path.startswith("decode=pillow, ")
    np.testing.assert_array_equal(fast, slow)


def test_small_png_is_decoded_by_pillow(client: TestClient) -> None:
    small, path = filter_custom(client, encode(PHOTO[:30, :40], "PNG"), SHARPEN)
    assert path.startswith("decode=pillow, ")
    np.testing.assert_array_equal(small, filter_exactly(PHOTO[:30, :40], SHARPEN))


def test_still_and_animated_webp_give_equal_pixels(client: TestClient) -> None:
    """An animation with a single frame."""
    plain = encode(PHOTO, "WEBP", lossless=True)
    still, _ = filter_custom(client, plain, SHARPEN)
    animated, _ = filter_custom(client, make_animation(plain), SHARPEN)
    np.testing.assert_array_equal(still, animated)
    np.testing.assert_array_equal(still, filter_exactly(PHOTO, SHARPEN))


def make_animation(webp: bytes) -> bytes:
    """An animation with one frame. Source: WebP Container Specification, Extended File Format."""
    size = b"".join((side - 1).to_bytes(3, "little") for side in reversed(PHOTO.shape[:2]))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)

    frame = bytes(6) + size + (100).to_bytes(3, "little") + b"\2" + webp[12:]
    body = chunk(b"VP8X", b"\2\0\0\0" + size) + chunk(b"ANIM", bytes(6)) + chunk(b"ANMF", frame)
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body


def test_jpeg_encoders_give_equal_pixels(client: TestClient) -> None:
    """Pillow writes images with alpha, over white."""
    opaque = add_opaque_alpha(PHOTO)
    fast, fast_path = filter_custom(client, encode(PHOTO, "PNG"), SHARPEN, format="jpeg")
    slow, slow_path = filter_custom(client, encode(opaque, "PNG"), SHARPEN, format="jpeg")
    assert fast_path.endswith("encode=opencv")
    assert slow_path.endswith("encode=pillow")
    np.testing.assert_array_equal(fast, slow)


@pytest.mark.parametrize(
    ("format", "dtype", "backend"),
    [
        ("png", "uint16", "isa-l"),
        ("tiff", "uint16", "tifffile"),
        ("npy", "uint8", "numpy"),
        ("webp", "uint8", "pillow"),
    ],
)
def test_other_encoders_are_named_in_the_header(client: TestClient, format: str, dtype: str, backend: str) -> None:
    file = write_png(PHOTO.astype(dtype))
    response = client.post(f"/filter/identity?format={format}", content=file, headers={"Content-Type": "image/png"})
    assert response.headers["X-Convserve-Path"].endswith(f"encode={backend}")
