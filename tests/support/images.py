"""Test images, and a PNG writer and reader that share no code with the service."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageSequence

Pixels = NDArray[Any]

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ORIENTATION_TAG = 0x0112


def draw_noise(height: int, width: int, channels: int = 3, seed: int = 1, dtype: str = "uint8") -> Pixels:
    """Random pixels (height, width, channels), or (height, width) for one channel."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def draw_blobs(height: int, width: int) -> Pixels:
    """Smooth RGB colours, which lossy formats keep closely. The corners differ."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    planes = [40 + 150 * x, 200 - 150 * y, 60 + 60 * x + 90 * y]
    return np.stack(planes, axis=2).astype(np.uint8)


def encode(image: Image.Image | Pixels, format: str = "PNG", **options: Any) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def encode_frames(frames: Sequence[Image.Image | Pixels], format: str, **options: Any) -> bytes:
    images = [frame if isinstance(frame, Image.Image) else Image.fromarray(frame) for frame in frames]
    return encode(images[0], format, save_all=True, append_images=images[1:], **options)


def open_image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def decode(data: bytes) -> Pixels:
    """The pixels that Pillow decodes, with the palette applied."""
    with open_image(data) as image:
        if image.mode == "P":
            return np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB"))
        return np.asarray(image)


def decode_frames(data: bytes) -> list[Pixels]:
    """Every frame as displayed, in RGBA."""
    with open_image(data) as image:
        return [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)]


COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def write_exif(value: int | bytes, kind: int = 3) -> bytes:
    """EXIF that holds only an orientation; `kind` 3 is SHORT, 2 ASCII, 1 BYTE."""
    body = struct.pack("<H", value) if isinstance(value, int) else value
    count = 1 if isinstance(value, int) else len(value)
    entry = struct.pack("<HHI", ORIENTATION_TAG, kind, count) + body.ljust(4, b"\0")
    return b"Exif\0\0" + b"II*\0\x08\0\0\0\x01\0" + entry + bytes(4)


def write_png(pixels: Pixels, *, before: Sequence[tuple[bytes, bytes]] = (), end: bool = True) -> bytes:
    """A PNG of 8 or 16 bits with unfiltered rows; `before` holds chunks between IHDR and IDAT."""
    planes = pixels if pixels.ndim == 3 else pixels[:, :, None]
    height, width, channels = planes.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * planes.itemsize, COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in planes)
    chunks = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(rows))] + ([(b"IEND", b"")] if end else [])
    return b"\x89PNG\r\n\x1a\n" + b"".join(write_chunk(kind, body) for kind, body in chunks)


def write_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def read_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, position = [], 8
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        chunks.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return chunks


def read_png(data: bytes) -> Pixels:
    """Decode a PNG of 8 or 16 bits without palette or interlace, after the PNG specification."""
    chunks = read_chunks(data)
    width, height, depth, colour_type = struct.unpack(">IIBB", chunks[0][1][:10])
    channels = {colour: count for count, colour in COLOUR_TYPES.items()}[colour_type]
    step = channels * depth // 8
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    length = width * step
    rows: list[bytearray] = []
    above = bytearray(length)
    for start in range(0, height * (length + 1), length + 1):
        row = bytearray(raw[start + 1 : start + 1 + length])
        for index in range(length):
            left = row[index - step] if index >= step else 0
            corner = above[index - step] if index >= step else 0
            row[index] = (row[index] + predict(raw[start], left, above[index], corner)) % 256
        rows.append(row)
        above = row
    pixels = np.frombuffer(b"".join(rows), f">u{depth // 8}").reshape(height, width, channels)
    return (pixels[:, :, 0] if channels == 1 else pixels).astype(f"u{depth // 8}")


def predict(filter_type: int, left: int, above: int, corner: int) -> int:
    if filter_type == 4:
        guess = left + above - corner
        return min(
            (left, above, corner), key=lambda value: abs(guess - value)
        )  # the first of equals, as the Paeth filter requires
    return (0, left, above, (left + above) // 2)[filter_type]


GifFrame = tuple[tuple[int, int], NDArray[np.uint8], int, int, int | None]
"""(left, top), palette indices (height, width), delay in 1/100 s, disposal, transparent index."""


def write_gif(size: tuple[int, int], palette: Sequence[int], frames: Sequence[GifFrame], loop: int | None) -> bytes:
    """A GIF of up to 128 colours, written without a library. `loop` is the value of the NETSCAPE block."""
    colours = bytes(palette).ljust(3 * 128, b"\0")
    parts = [b"GIF89a", struct.pack("<HHBBB", *size, 0xF6, 0, 0), colours]
    if loop is not None:
        parts.append(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loop) + b"\0")
    for (left, top), indices, delay, disposal, transparent in frames:
        flags = disposal << 2 | (transparent is not None)
        parts.append(b"!\xf9\x04" + struct.pack("<BHB", flags, delay, transparent or 0) + b"\0")
        parts.append(b"," + struct.pack("<HHHHB", left, top, indices.shape[1], indices.shape[0], 0))
        # LZW with a clear code (128) before the codes grow beyond 8 bits; code 129 is the end.
        flat = indices.astype(np.uint8).tobytes()
        codes = b"".join(b"\x80" + flat[start : start + 100] for start in range(0, len(flat), 100)) + b"\x81"
        blocks = (codes[start : start + 255] for start in range(0, len(codes), 255))
        parts.append(b"\x07" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0")
    return b"".join(parts) + b";"


def write_profile(space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", connection: bytes = b"XYZ ") -> bytes:
    """An ICC profile of version 2."""
    offset = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += name + struct.pack(">II", offset + len(bodies), len(body))
        bodies += body + b"\0" * (-len(body) % 4)
    header = struct.pack(">I4sI4s4s4s", offset + len(bodies), b"lcms", 0x02400000, kind, space, connection)
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + bodies


WHITE_POINT = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
LINEAR_GREY_PROFILE = write_profile(b"GRAY", {b"wtpt": WHITE_POINT, b"kTRC": b"curv" + struct.pack(">II", 0, 0)})
"""Grey proportional to light: 128 of 255 is as bright as 188 in sRGB."""


def swap_red_and_blue(profile: bytes) -> bytes:
    """A copy of the profile with the red and blue primaries exchanged: red pixels are displayed as blue."""
    (count,) = struct.unpack(">I", profile[128:132])
    swapped = bytearray(profile)
    names = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    for start in range(132, 132 + 12 * count, 12):
        swapped[start : start + 4] = names.get(profile[start : start + 4], profile[start : start + 4])
    return bytes(swapped)


SWAPPED_PROFILE = swap_red_and_blue(SRGB_PROFILE)


def write_ink_profile() -> bytes:
    """A CMYK profile with red cyan ink (CIELAB 53, 80, 67, like red in sRGB) and black black ink."""
    white, red, black = (255, 128, 128), (136, 208, 195), (0, 128, 128)
    corners = [black if ink & 1 else red if ink & 8 else white for ink in range(16)]  # cyan counts most, black least
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix
    table += 4 * identity + bytes(value for corner in corners for value in corner) + 3 * identity
    return write_profile(b"CMYK", {b"wtpt": WHITE_POINT, b"A2B0": table}, b"prtr", b"Lab ")
