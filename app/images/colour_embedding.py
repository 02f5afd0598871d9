"""Colour tags in encoded files. The encoders do not write them."""

import struct

from app.images.colour_tags import ColourTags
from app.images.formats import Format
from app.images.png import frame_chunk

PNG_HEADER_END = 33
"""After the signature and the chunk IHDR."""
NCLX = b"colrnclx"
WRITTEN_BOXES = (NCLX + struct.pack(">HH", 1, 13), NCLX + struct.pack(">HH", 2, 2))
"""In every AVIF that Pillow and OpenCV write: kind, primaries, transfer characteristics. The matrix follows."""


def embed_colour(data: bytes, format: Format, tags: ColourTags) -> bytes:
    """Add the tags to a PNG or an AVIF. Returns other files unchanged."""
    if format.name == "png":
        chunks = b"".join(part for kind, body in list_png_chunks(tags) for part in frame_chunk(kind, body))
        return data[:PNG_HEADER_END] + chunks + data[PNG_HEADER_END:] if chunks else data
    if format.name == "avif" and tags.cicp is not None:
        for box in WRITTEN_BOXES:
            data = data.replace(box, NCLX + struct.pack(">HH", *tags.cicp))
    return data


def list_png_chunks(tags: ColourTags) -> list[tuple[bytes, bytes]]:
    """Type and body of the chunks that state the tags: those of the input, if it was a PNG."""
    if tags.png_chunks:
        return list(tags.png_chunks)
    chunks = []
    if tags.cicp is not None:
        chunks.append((b"cICP", bytes([*tags.cicp, 0, 1])))  # RGB in full range
    if tags.gamma is not None:
        chunks.append((b"gAMA", struct.pack(">I", tags.gamma)))
    if tags.chromaticities is not None:
        chunks.append((b"cHRM", struct.pack(">8I", *tags.chromaticities)))
    return chunks
