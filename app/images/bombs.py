"""Files that are small to send and dear to open, found by their structure before any decoder sees them.

| file                                                   | what it costs without this                           |
|--------------------------------------------------------|------------------------------------------------------|
| JPEG of 200 kB in 1,005 scans, 36 megapixels           | 23 s: each scan goes over all pixels                 |
| GIF, APNG, WebP, TIFF of 100,000 tiny frames           | seconds: each is read, filtered and written          |
| any of these in a million blocks of a few bytes        | seconds: the decoder's Python loop turns for each    |
| PNG with text or a profile that inflates a thousandfold | memory                                              |
| TIFF whose tags have millions of values                | memory, 40 bytes for each byte                       |

Only the structure is read: whether the file is sound is the decoder's business. Sizes in pixels are too.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from app.images.errors import ImageTooComplexError
from app.images.formats import recognize_format
from app.images.limits import ImageLimits

FREE_BLOCKS = 10_000
MIN_MEAN_BLOCK_BYTES = 128
"""Beyond the free ones, blocks are to be this large on average: encoders write 255 (GIF) to 65,536."""
MAX_TIFF_TAG_VALUES = 1_000_000

JPEG_START_OF_SCAN = 0xDA
JPEG_END = 0xD9
JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
JPEG_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""In compressed data: not a stuffed byte (00) and not a restart (D0 to D7)."""
PNG_PIXELS = {b"IDAT", b"fdAT", b"IEND"}
GIF_EXTENSION, GIF_IMAGE, GIF_END = 0x21, 0x2C, 0x3B
TIFF_BYTE_TYPES = {1, 2, 6, 7}
"""BYTE, ASCII, SBYTE, UNDEFINED: kept as bytes, where other values become a Python number each."""


def refuse_bombs(data: bytes, limits: ImageLimits) -> None:
    """Raise ImageTooComplexError for a file that would be dear to open. Takes time in proportion to its size."""
    format = recognize_format(data)
    check = {"jpeg": check_jpeg, "png": check_png, "gif": check_gif, "tiff": check_tiff, "webp": check_webp}.get(
        format.name if format else ""
    )
    if check:
        check(data, limits)


class BlockCount:
    """Counts the blocks of a file; more than its size explains are refused."""

    def __init__(self, data: bytes) -> None:
        self.most = FREE_BLOCKS + len(data) // MIN_MEAN_BLOCK_BYTES
        self.found = 0

    def add(self, blocks: int = 1) -> None:
        self.found += blocks
        if self.found > self.most:
            raise ImageTooComplexError(
                f"The image's file is cut into more than {self.most} blocks, which is far too many for its size. "
                "Save it again with another program."
            )


def check_frames(frames: int, limits: ImageLimits) -> None:
    if frames > limits.max_frames:
        raise ImageTooComplexError(
            f"The image has {frames} frames or more; the limit is {limits.max_frames} (CONVSERVE_MAX_FRAMES). Send "
            "a shorter animation."
        )


def check_metadata(size: int, limits: ImageLimits) -> None:
    if size > limits.max_metadata_bytes:
        raise ImageTooComplexError(
            f"The image carries {size} bytes of metadata or more (texts, colour profile); the limit is "
            f"{limits.max_metadata_bytes} (CONVSERVE_MAX_METADATA_BYTES). Send it without them."
        )


def check_jpeg(data: bytes, limits: ImageLimits) -> None:
    blocks = BlockCount(data)
    position = skip_jpeg_segments(data, 2, blocks, limits)
    # Every scan begins with these two bytes; in metadata they may stand by chance, so many are looked at closely.
    if data.count(b"\xff\xda", position) <= limits.max_jpeg_scans:
        return
    scans = 0
    for scans, _ in enumerate(find_jpeg_scans(data, position), start=1):
        if scans > limits.max_jpeg_scans:
            raise ImageTooComplexError(
                f"The JPEG has {scans} scans or more; the limit is {limits.max_jpeg_scans} (CONVSERVE_MAX_JPEG_SCANS; "
                "a usual progressive JPEG has about ten). Save it again with another program."
            )


def skip_jpeg_segments(data: bytes, position: int, blocks: BlockCount, limits: ImageLimits) -> int:
    """Where the first scan begins, or the file ends."""
    metadata = 0
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            position += 1  # decoders look for the next marker, too
            blocks.add()
            continue
        marker = data[position + 1]
        if marker == JPEG_START_OF_SCAN:
            return position
        blocks.add()
        if marker == 0xFF:
            position += 1
        elif marker in JPEG_WITHOUT_LENGTH:
            position += 2
        else:
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            metadata += length
            check_metadata(metadata, limits)
            position += 2 + length
    return len(data)


def find_jpeg_scans(data: bytes, position: int) -> Iterator[int]:
    """Where the scans of the first image of the file begin; `position` is the first of them."""
    while (match := JPEG_MARKER.search(data, position)) is not None:
        marker = match[1][0]
        position = match.end()
        if marker == JPEG_END:
            return
        if marker == JPEG_START_OF_SCAN:
            yield match.start()
        elif marker >= 0xC0:  # lower ones mean nothing, and a decoder that resynchronizes reads on right behind them
            position += int.from_bytes(data[position : position + 2], "big")


def read_png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start and end of the body) of each chunk."""
    position = 8
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position + 8, position + 8 + length
        position += 12 + length


def check_png(data: bytes, limits: ImageLimits) -> None:
    blocks = BlockCount(data)
    metadata, frames = 0, 0
    for kind, start, end in read_png_chunks(data):
        blocks.add()
        if kind == b"fcTL":
            frames += 1
            check_frames(frames, limits)
        elif kind not in PNG_PIXELS:
            metadata += count_inflated(kind, data[start:end], limits.max_metadata_bytes - metadata)
            check_metadata(metadata, limits)


def count_inflated(kind: bytes, body: bytes, budget_bytes: int) -> int:
    """Size of a chunk's content after inflating, counted no further than just beyond the budget."""
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


def check_gif(data: bytes, limits: ImageLimits) -> None:
    blocks = BlockCount(data)
    frames, size = 0, len(data)
    position = 13 + count_palette_bytes(data, 10)
    while position < size:
        kind = data[position]
        blocks.add()
        if kind == GIF_END:
            return
        if kind == GIF_IMAGE:
            frames += 1
            check_frames(frames, limits)
            position += 11 + count_palette_bytes(data, position + 9)
        elif kind == GIF_EXTENSION:
            position += 2
        else:
            position += 1  # decoders look for the next block, too
            continue
        sub_blocks = 0
        while position < size and data[position]:
            position += 1 + data[position]
            sub_blocks += 1
            if sub_blocks % 256 == 0:
                blocks.add(256)
        blocks.add(sub_blocks % 256)
        position += 1


def count_palette_bytes(data: bytes, flags_at: int) -> int:
    flags = data[flags_at] if flags_at < len(data) else 0
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def check_tiff(data: bytes, limits: ImageLimits) -> None:
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    count_format, entry_format, offset_format = ("Q", "HHQQ", "Q") if big else ("H", "HHII", "I")
    count_bytes, entry_bytes, offset_bytes = (8, 20, 8) if big else (2, 12, 4)
    blocks = BlockCount(data)
    seen: set[int] = set()
    values, at = 0, 8 if big else 4
    while at + offset_bytes <= len(data):
        (position,) = struct.unpack_from(order + offset_format, data, at)
        if not position or position in seen or position + count_bytes > len(data):
            return
        seen.add(position)
        check_frames(len(seen), limits)
        (entries,) = struct.unpack_from(order + count_format, data, position)
        blocks.add(1 + entries)
        first = position + count_bytes
        at = first + entries * entry_bytes
        table = data[first:at]
        for _, type, count, _ in struct.iter_unpack(
            order + entry_format, table[: len(table) // entry_bytes * entry_bytes]
        ):
            if type not in TIFF_BYTE_TYPES:
                values += count
            if values > MAX_TIFF_TAG_VALUES:
                raise ImageTooComplexError(
                    f"The tags of the TIFF have {values} values or more; {MAX_TIFF_TAG_VALUES} are accepted. Save it "
                    "with larger strips or tiles."
                )


def check_webp(data: bytes, limits: ImageLimits) -> None:
    blocks = BlockCount(data)
    frames, metadata, position = 0, 0, 12
    # As the decoder, which takes no notice of what stands behind the end that the file declares.
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        blocks.add()
        if kind == b"ANMF":
            frames += 1
            check_frames(frames, limits)
        elif kind in (b"ICCP", b"EXIF", b"XMP "):
            metadata += length
            check_metadata(min(metadata, len(data)), limits)
        position += 8 + length + length % 2
