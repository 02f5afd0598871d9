"""Structure of PNG files. Source: PNG specification, 3rd edition, chapters 5 and 11."""

import struct
import zlib

from isal import isal_zlib

from app.images.colour_tags import read_png_tags
from app.images.complexity import ComplexityCounter
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS
from app.images.limits import ImageLimits

SIGNATURE_BYTES = 8
BIT_DEPTH_OFFSET = 24
PIXEL_CHUNKS = {b"IDAT", b"fdAT", b"IEND"}
COLOUR_CHUNKS = {b"cICP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI"}
DAMAGES = (
    "The image is damaged: a checksum of the PNG's pixels is wrong.",
    "The image is cut short: the PNG ends in the middle of its pixels.",
)


def inspect_png(data: bytes, limits: ImageLimits) -> FileFacts:
    """Read all chunks up to IEND, and verify the checksums of the pixel chunks, which Pillow does not verify."""
    counter = ComplexityCounter(len(data), limits)
    view = memoryview(data)
    exif, may_be_animated, is_intact, is_whole = b"", False, True, True
    colour_chunks: dict[bytes, bytes] = {}
    has_pixels = False
    position = SIGNATURE_BYTES
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        end = start + length
        counter.add_blocks()
        if kind == b"fcTL":
            counter.add_frame()
        elif kind in PIXEL_CHUNKS:
            has_pixels = True
            is_intact = is_intact and is_checksum_right(view, start, end)
            is_whole = is_whole and (kind == b"IEND" or end + 4 <= len(data))
        else:
            budget_bytes = limits.max_metadata_bytes - counter.metadata_bytes
            counter.add_metadata(measure_inflated(kind, data[start:end], budget_bytes))
            may_be_animated = may_be_animated or kind == b"acTL"
            if kind == b"eXIf" and not exif and not has_pixels:  # as in Chromium
                exif = data[start:end]
            if kind in COLOUR_CHUNKS and not has_pixels and end + 4 <= len(data):
                colour_chunks.setdefault(kind, data[start:end])
        position = end + 4
        if kind == b"IEND":  # decoders ignore what follows
            break
    return FileFacts(
        FORMATS["png"],
        png_bit_depth=data[BIT_DEPTH_OFFSET] if len(data) > BIT_DEPTH_OFFSET else 0,
        png_exif=exif,
        may_be_animated=may_be_animated,
        colour=read_png_tags(colour_chunks),
        damage=DAMAGES[0] if not is_intact else DAMAGES[1] if not is_whole else "",
    )


def is_checksum_right(view: memoryview, start: int, end: int) -> bool:
    """Compare the CRC of a chunk's type and body. True for a chunk that is cut short: the decoder reports that."""
    stored = view[end : end + 4]
    return len(stored) < 4 or isal_zlib.crc32(view[start - 4 : end]) == int.from_bytes(stored, "big")


def measure_inflated(kind: bytes, body: bytes, budget_bytes: int) -> int:
    """Bytes of a chunk's content after inflating. Inflating stops one byte beyond the budget."""
    if kind in (b"zTXt", b"iCCP"):  # keyword, 0, method, deflated
        deflated = body[body.find(b"\0") + 2 :]
    elif kind == b"iTXt" and body[body.find(b"\0") + 1 :][:1] == b"\1":  # keyword, 0, 1, method, language, 0, key, 0
        deflated = body[body.find(b"\0") + 3 :].split(b"\0", 2)[-1]
    else:
        return len(body)
    try:
        return max(len(body), len(zlib.decompressobj().decompress(deflated, max(budget_bytes, 0) + 1)))
    except zlib.error:
        return len(body)
