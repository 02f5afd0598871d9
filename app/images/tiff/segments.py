"""The samples of a TIFF page, from its strips or tiles. Source: TIFF 6.0, sections 3, 14, 15, 21 and 22."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.images.errors import CorruptImageError, ImageTooComplexError
from app.images.tiff.ccitt import reject_damaged_fax
from app.images.tiff.compression import decompress, reverse_bits
from app.images.tiff.directory import Directory
from app.images.tiff.image_segments import decode_jpeg_segment, decode_webp_segment
from app.images.tiff.layout import (
    CCITT,
    CCITT_GROUP_3,
    HORIZONTAL_PREDICTOR,
    JPEG,
    JPEG_TABLES,
    NO_COMPRESSION,
    REVERSED_FILL_ORDER,
    STRIP_BYTE_COUNTS,
    STRIP_OFFSETS,
    T4_OPTIONS,
    T6_OPTIONS,
    TILE_BYTE_COUNTS,
    TILE_OFFSETS,
    WEBP,
    Layout,
)

MAX_SLOW_SEGMENTS = 20_000
"""Strips or tiles of JPEG, WebP or facsimile data: opening or checking each takes 0.2 ms."""


def read_samples(page: Directory, layout: Layout) -> NDArray[Any]:
    """The samples as stored: (height, width, samples) uint8, or uint16 for 16 bits. YCbCr is not subsampled any more.

    Raises CorruptImageError, ImageTooComplexError, or what Pillow raises.
    """
    down, across = layout.segments
    planes = layout.samples if layout.is_planar else 1
    if planes * down * across > MAX_SLOW_SEGMENTS and layout.compression in (JPEG, WEBP, *CCITT):
        raise ImageTooComplexError(
            f"The TIFF consists of {planes * down * across} strips or tiles of JPEG, WebP or facsimile data; "
            f"{MAX_SLOW_SEGMENTS} are accepted. Save it with larger ones."
        )
    segments = find_segments(page, layout, planes * down * across)
    in_plane = down * across
    if planes == 1:
        return read_plane(page, layout, segments)
    samples = np.empty((layout.height, layout.width, planes), np.uint16 if layout.bits == 16 else np.uint8)
    for plane in range(planes):
        samples[:, :, plane] = read_plane(page, layout, segments[plane * in_plane :][:in_plane])[:, :, 0]
    return samples


def find_segments(page: Directory, layout: Layout, count: int) -> list[bytes | memoryview]:
    offset_tag, size_tag = (
        (TILE_OFFSETS, TILE_BYTE_COUNTS) if TILE_OFFSETS in page.entries else (STRIP_OFFSETS, STRIP_BYTE_COUNTS)
    )
    offsets, sizes = page.read(offset_tag), page.read(size_tag)
    # The size of a single uncompressed strip follows from the layout, so some writers omit it.
    needs_sizes = layout.compression != NO_COMPRESSION or layout.is_tiled or count > 1
    if offsets is None or len(offsets) < count or len(sizes if sizes is not None else ()) < count * needs_sizes:
        raise CorruptImageError(
            f"The TIFF is damaged: a page needs {count} strips or tiles, and the positions or sizes of "
            f"{0 if offsets is None or sizes is None else min(len(offsets), len(sizes))} are in the file."
        )
    data = memoryview(page.data)
    is_reversed = layout.fill_order == REVERSED_FILL_ORDER and layout.compression != JPEG
    segments: list[bytes | memoryview] = []
    for index, start in enumerate(offsets[:count].tolist()):
        end = len(data) if sizes is None else start + int(sizes[index])
        if not 0 <= start < end <= len(data):
            raise CorruptImageError(
                f"The TIFF is damaged or cut short: strip or tile {index} lies at bytes {start} to {end} of the file's "
                f"{len(data)}."
            )
        segment = data[start:end]
        segments.append(reverse_bits(segment) if is_reversed else segment)
    return segments


def read_plane(page: Directory, layout: Layout, segments: list[bytes | memoryview]) -> NDArray[Any]:
    """The samples of one plane, (height, width, samples)."""
    down, across = layout.segments
    rows = len(segments) * layout.segment_height if layout.is_tiled else layout.height
    if layout.compression in (JPEG, WEBP):
        samples = read_images(page, layout, segments, rows)
    elif layout.subsampling != (1, 1):
        samples = read_subsampled(layout, segments, rows)
    else:
        count = 1 if layout.is_planar else layout.samples
        row_bits = layout.segment_width * count * layout.bits
        options = page.read_number(T4_OPTIONS if layout.compression == CCITT_GROUP_3 else T6_OPTIONS, 0)
        stored = decompress(segments, layout.compression, row_bits, layout.segment_height, rows, options)
        if layout.compression in CCITT:
            width, height = layout.segment_width, layout.segment_height
            reject_damaged_fax(segments, stored, layout.compression, width, height, options)
        samples = unpack_samples(stored, layout.segment_width, count, layout.bits, page.byte_order)
        if layout.predictor == HORIZONTAL_PREDICTOR:
            np.cumsum(samples, axis=1, dtype=samples.dtype, out=samples)
    if not layout.is_tiled:
        return samples
    tiles = samples.reshape(down, across, layout.segment_height, layout.segment_width, -1)
    joined = tiles.swapaxes(1, 2).reshape(down * layout.segment_height, across * layout.segment_width, -1)
    return joined[: layout.height, : layout.width]


def unpack_samples(stored: NDArray[np.uint8], width: int, count: int, bits: int, byte_order: str) -> NDArray[Any]:
    """(rows, width, count) uint8 or uint16 from (rows, bytes)."""
    rows = len(stored)
    if bits == 16:
        return stored.view(f"{byte_order}u2").reshape(rows, width, count).astype(np.uint16, copy=False)
    if bits < 8:
        ones = np.unpackbits(stored, axis=1).reshape(rows, -1, bits)
        stored = ones @ (1 << np.arange(bits, dtype=np.uint8)[::-1])
    return stored[:, : width * count].reshape(rows, width, count)


def read_subsampled(layout: Layout, segments: list[bytes | memoryview], rows: int) -> NDArray[np.uint8]:
    """Y, Cb and Cr of each pixel. They are stored in blocks: the Ys of a block row by row, then one Cb and one Cr."""
    horizontal, vertical = layout.subsampling
    across = -(-layout.segment_width // horizontal)
    segment_blocks, blocks = -(-layout.segment_height // vertical), -(-rows // vertical)
    block_bytes = horizontal * vertical + 2
    stored = decompress(segments, layout.compression, 8 * across * block_bytes, segment_blocks, blocks, 0)
    stored = stored.reshape(blocks, across, block_bytes)
    brightness = stored[:, :, :-2].reshape(blocks, across, vertical, horizontal).swapaxes(1, 2)
    samples = np.empty((blocks * vertical, across * horizontal, 3), np.uint8)
    samples[:, :, 0] = brightness.reshape(blocks * vertical, across * horizontal)
    samples[:, :, 1:] = stored[:, :, -2:].repeat(vertical, axis=0).repeat(horizontal, axis=1)
    return samples[:rows, : layout.segment_width]


def read_images(page: Directory, layout: Layout, segments: list[bytes | memoryview], rows: int) -> NDArray[np.uint8]:
    """Samples from segments that are JPEG or WebP images of their own."""
    tables = page.read_bytes(JPEG_TABLES)
    count = 1 if layout.is_planar else layout.samples
    samples = np.empty((rows, layout.segment_width, count), np.uint8)
    for index, segment in enumerate(segments):
        place = samples[index * layout.segment_height : (index + 1) * layout.segment_height]
        if layout.compression == WEBP:
            pixels = decode_webp_segment(bytes(segment), count)
        else:
            pixels = decode_jpeg_segment(bytes(segment), tables, layout.photometric, place.shape)
        if pixels.shape[0] < place.shape[0] or pixels.shape[1:] != place.shape[1:]:
            raise CorruptImageError(
                f"The TIFF is damaged: strip or tile {index} is an image of {pixels.shape[1]}×{pixels.shape[0]} pixels "
                f"and {pixels.shape[2]} channels instead of {place.shape[1]}×{place.shape[0]} and {count}."
            )
        place[:] = pixels[: place.shape[0]]
    return samples
