"""Damage that the decoders pass over, so that no half-grey image is answered.

Pillow does not look at the checksums of a PNG's pixels, libjpeg fills what is missing from a JPEG with grey and says so
only in a warning that Pillow does not read, and a GIF that ends in the head of a frame has fewer frames.
"""

from isal import isal_zlib

from app.images.bombs import GIF_END, GIF_EXTENSION, GIF_IMAGE, PNG_PIXELS, count_palette_bytes, read_png_chunks
from app.images.errors import CorruptImageError
from app.images.formats import recognize_format

JPEG_REDUCTION = 8
"""The decoder has to read every bit all the same, but works out an eighth of the rows and columns."""
JPEG_DAMAGE = ("premature end", "bad huffman code")
"""Other warnings, such as surplus bytes between scans, leave the pixels whole."""


def refuse_damage(data: bytes) -> None:
    """Raise CorruptImageError for a PNG, JPEG or GIF of which pixels are missing or changed."""
    format = recognize_format(data)
    if format and format.name == "png":
        check_png_sums(data)
    elif format and format.name == "jpeg":
        check_jpeg_pixels(data)
    elif format and format.name == "gif":
        check_gif_blocks(data)


def check_png_sums(data: bytes) -> None:
    view = memoryview(data)
    for kind, start, end in read_png_chunks(data):
        if kind not in PNG_PIXELS or end + 4 > len(data):
            continue  # the decoder checks the others, and whether the end is missing
        if isal_zlib.crc32(view[start - 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise CorruptImageError("The image is damaged: a checksum of the PNG's pixels is wrong.")


def check_jpeg_pixels(data: bytes) -> None:
    """What is wrong in another way, or of a kind that this decoder does not read, is left to the other decoder."""
    import simplejpeg

    try:
        _, _, colours, _ = simplejpeg.decode_jpeg_header(data)
        simplejpeg.decode_jpeg(
            data,
            "CMYK" if colours in ("CMYK", "YCCK") else "GRAY",
            min_height=1,
            min_width=1,
            min_factor=JPEG_REDUCTION,
            strict=True,
        )
    except ValueError as error:
        if any(damage in str(error).lower() for damage in JPEG_DAMAGE):
            raise CorruptImageError(f"The image is damaged or cut short: {error}.") from None


def check_gif_blocks(data: bytes) -> None:
    """The last block has to be whole. Without the mark of the end behind a frame, as some programs write it, it is."""
    position = 13 + count_palette_bytes(data, 10)
    kind = GIF_IMAGE
    while position < len(data):
        kind = data[position]
        if kind == GIF_END:
            return
        if kind == GIF_IMAGE:
            position += 11 + count_palette_bytes(data, position + 9)
        elif kind == GIF_EXTENSION:
            position += 2
        else:
            return  # nonsense between blocks: the decoder's business
        while position < len(data) and data[position]:
            position += 1 + data[position]
        position += 1
    if position > len(data) or kind == GIF_EXTENSION:
        raise CorruptImageError("The image is cut short: the GIF ends in the middle of a block.")
