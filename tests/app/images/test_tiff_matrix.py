"""Random TIFFs of every photometric interpretation, depth, order, compression and header.

Their samples are compared with tifffile, which decompresses with imagecodecs, and their colours with formulas from
TIFF 6.0. CONVSERVE_TIFF_SAMPLES and CONVSERVE_TIFF_SEED choose a larger or another set.
"""

import io
import os
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from app.images.decode import decode_image
from app.images.limits import ImageLimits
from tests.support.tiff_files import FACSIMILE, T4_OPTIONS, ByteOrder, TiffPage, write_tiff

SEED = int(os.environ.get("CONVSERVE_TIFF_SEED", "1"))
COUNT = int(os.environ.get("CONVSERVE_TIFF_SAMPLES", "600"))
COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}
"""Photometric interpretations and their samples: two kinds of grey, RGB, palette, CMYK, YCbCr."""
DEPTHS = {0: (1, 2, 4, 8, 16), 1: (1, 2, 4, 8, 16), 2: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8), 5: (8,), 6: (8,)}
COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000, 50001)
BYTE_ORDERS: tuple[ByteOrder, ...] = ("<", ">")
PREDICTED = (5, 8, 32946, 34925, 50000)


def draw_page(generator: np.random.Generator) -> TiffPage:
    photometric = int(generator.choice(list(COLOURS)))
    bits = int(generator.choice(DEPTHS[photometric]))
    extra = int(generator.integers(0, 2)) if generator.random() < 0.8 else 2
    is_planar = bool(generator.integers(2))
    count = COLOURS[photometric] + extra
    compression = int(generator.choice(COMPRESSIONS))
    if compression in FACSIMILE and not (bits == 1 and (count == 1 or is_planar)):
        compression = 1
    if compression == 7 and (bits != 8 or (not is_planar and count not in (1, 3)) or photometric == 3):
        compression = 5
    if compression == 50001 and (bits != 8 or photometric != 2 or count > 4 or is_planar):
        compression = 50000
    if bits == 1 and (count == 1 or is_planar) and generator.integers(2):
        compression = int(generator.choice(list(FACSIMILE)))
    height, width = generator.integers(1, 60, 2).tolist()
    samples = generator.integers(0, 2**bits, (height, width, count), np.uint16)
    if generator.integers(2):  # smooth, which compresses
        rows, columns = np.mgrid[:height, :width]
        ramp = (rows * 3 + columns)[:, :, None] * np.arange(1, count + 1)
        samples = (ramp % 2**bits).astype(np.uint16)
    tags: dict[int, tuple[str, Any]] = {}
    if extra:
        tags[338] = ("H", [int(kind) for kind in generator.choice((0, 1, 2), extra)])
        if photometric == 6:  # dividing by a small alpha would magnify the rounding of the conversion
            tags[338] = ("H", [2] * extra)
    if compression == 3:
        tags[T4_OPTIONS] = ("I", [int(generator.choice((0, 1, 4, 5)))])  # 1 two-dimensional, 4 ends of lines aligned
    if photometric == 3:
        tags[320] = ("H", generator.integers(256, 65536, 3 * 2**bits).tolist())
    if photometric == 6:
        tags[530] = ("H", [1, 1])
        if generator.integers(2):
            tags[529] = ("f", [0.2126, 0.7152, 0.0722])
            tags[532] = ("f", [16, 235, 128, 240, 128, 240])
    return TiffPage(
        samples.astype(np.uint16 if bits == 16 else np.uint8),
        photometric,
        bits,
        compression,
        int(generator.integers(1, 3)) if compression in PREDICTED and bits >= 8 else 1,
        is_planar and count > 1,
        (16 * int(generator.integers(1, 4)), 16 * int(generator.integers(1, 4))) if generator.integers(2) else None,
        int(generator.integers(1, height + 1)),
        int(generator.integers(1, 3)) if compression in (1, 2, 3, 4, 5) else 1,
        tags,
    )


def describe(page: TiffPage) -> str:
    return str({name: value for name, value in vars(page).items() if name not in ("samples", "tags")} | {
        "shape": page.samples.shape, "extra": page.tags.get(338)})  # fmt: skip


def read_with_tifffile(data: bytes, page: TiffPage) -> NDArray[Any]:
    """The samples, (height, width, samples)."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        samples = file.pages[0].asarray().astype(page.samples.dtype)
    height, width, count = page.samples.shape
    if page.is_planar:
        return samples.reshape(count, height, width).transpose(1, 2, 0)
    return samples.reshape(height, width, count)


def expect(samples: NDArray[Any], page: TiffPage) -> NDArray[np.float64]:
    """Grey or RGB, with alpha if there is any, in 0..255 or 0..65535."""
    most = 65535.0 if page.bits == 16 else 255.0
    scaled = samples.astype(float) * most / (2**page.bits - 1)
    colours = scaled[:, :, : COLOURS[page.photometric]]
    if page.photometric == 0:
        colours = most - colours
    elif page.photometric == 3:
        palette = np.array(page.tags[320][1]).reshape(3, -1) >> 8
        colours = palette[:, samples[:, :, 0]].transpose(1, 2, 0).astype(float)
    elif page.photometric == 5:
        inks = np.ascontiguousarray(samples[:, :, :4])
        colours = np.asarray(Image.fromarray(inks, "CMYK").convert("RGB")).astype(float)
    elif page.photometric == 6:
        colours = convert_ycbcr(colours, page)
    kinds = page.tags[338][1] if 338 in page.tags else []
    place = next((index for index, kind in enumerate(kinds) if kind in (1, 2)), None)
    if place is None:
        return colours
    alpha = scaled[:, :, COLOURS[page.photometric] + place, None]
    if kinds[place] == 1:
        colours = np.where(alpha > 0, np.minimum(np.rint(colours) * most / np.maximum(alpha, 1), most), 0)
    return np.concatenate([colours, alpha], axis=2)


def convert_ycbcr(codes: NDArray[Any], page: TiffPage) -> NDArray[np.float64]:
    """TIFF 6.0, section 21, in double precision."""
    red, green, blue = page.tags[529][1] if 529 in page.tags else (0.299, 0.587, 0.114)
    black, white, zero, most = page.tags[532][1][:4] if 532 in page.tags else (0, 255, 128, 255)
    y = (codes[:, :, 0] - black) * 255 / (white - black)
    cb, cr = ((codes[:, :, index] - zero) * 127 / (most - zero) for index in (1, 2))
    r, b = cr * (2 - 2 * red) + y, cb * (2 - 2 * blue) + y
    return np.clip(np.stack([r, (y - blue * b - red * r) / green, b], axis=2), 0, 255)


def compare(page: TiffPage, byte_order: ByteOrder, is_big: bool) -> None:
    data = write_tiff([page], byte_order=byte_order, is_big=is_big)
    result = decode_image(data, ImageLimits()).frames[0].pixels
    if page.compression == 7 and page.photometric == 6:
        samples = decode_jpegs(page)
    else:
        samples = read_with_tifffile(data, page)
        if page.compression != 7:
            assert np.array_equal(samples, page.samples), "the writer of the test is wrong"
    wanted = expect(samples, page)
    assert result.shape == wanted.shape
    assert result.dtype == page.samples.dtype
    is_exact = page.photometric != 6 and page.compression != 7 and 1 not in page.tags.get(338, ("", []))[1]
    assert np.abs(result - wanted).max() <= (0 if is_exact else 0.501 if page.compression != 7 else 1.501)


def decode_jpegs(page: TiffPage) -> NDArray[np.uint8]:
    """The YCbCr of a page compressed with JPEG; tifffile converts it to RGB."""
    planes = [page.samples[:, :, [index]] for index in range(page.samples.shape[2])]
    joined = []
    for plane in planes if page.is_planar else [page.samples]:
        pieces = []
        for segment in page.cut(plane):
            encoded = page.encode_segment(segment, "<")
            space = "GRAYSCALE" if segment.shape[2] == 1 else "YCBCR"
            pieces.append(imagecodecs.jpeg8_decode(encoded, outcolorspace=space).reshape(segment.shape))
        joined.append(join_segments(pieces, page))
    return np.concatenate(joined, axis=2)


def join_segments(pieces: list[NDArray[Any]], page: TiffPage) -> NDArray[Any]:
    if page.tile is None:
        return np.concatenate(pieces)
    height, width = page.samples.shape[:2]
    across = -(-width // page.tile[1])
    rows = [np.concatenate(pieces[start : start + across], axis=1) for start in range(0, len(pieces), across)]
    return np.concatenate(rows)[:height, :width]


@pytest.mark.slow
def test_random_layouts_are_read_exactly() -> None:
    generator = np.random.default_rng(SEED)
    failures = []
    for index in range(COUNT):
        page = draw_page(generator)
        byte_order, is_big = BYTE_ORDERS[generator.integers(2)], bool(generator.integers(2))
        try:
            compare(page, byte_order, is_big)
        except Exception as error:
            failures.append(f"{index}: {byte_order} big={is_big} {describe(page)}: {error!r}"[:600])
    assert not failures, f"{len(failures)} of {COUNT}:\n" + "\n".join(failures[:20])
