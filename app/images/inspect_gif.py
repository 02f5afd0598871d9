"""Structure of GIF files. Source: GIF89a specification, W3C copy."""

from app.images.complexity import ComplexityCounter
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS
from app.images.limits import ImageLimits

HEADER_BYTES = 13
EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
COUNTED_TOGETHER = 256
"""Sub-blocks added to the counter at once: with at most 255 bytes each, a large file has very many."""


def inspect_gif(data: bytes, limits: ImageLimits) -> FileFacts:
    """Read all blocks up to the trailer. A missing trailer after a complete frame is not damage: some programs omit it.

    An unknown block before the first frame is damage: a byte of the header or palette is missing or surplus. After an
    unknown block between frames, only the decoder can tell whether the file is damaged.
    """
    counter = ComplexityCounter(len(data), limits)
    position = HEADER_BYTES + measure_palette(data, 10)
    kind, has_unknown_block, damage = IMAGE, False, ""
    while position < len(data):
        kind = data[position]
        counter.add_blocks()
        if kind == TRAILER:
            break
        if kind == IMAGE:
            counter.add_frame()
            position += 11 + measure_palette(data, position + 9)
        elif kind == EXTENSION:
            position += 2
        else:
            has_unknown_block = True
            if not counter.frames:
                damage = f"The image is damaged: the GIF has an unknown block, {kind:#04x}, before its first frame."
            position += 1  # like the decoders, search for the next block
            continue
        position = skip_sub_blocks(data, position, counter)
    is_cut = kind != TRAILER and (position > len(data) or kind == EXTENSION)
    if is_cut and not has_unknown_block:
        damage = "The image is cut short: the GIF ends in the middle of a block."
    return FileFacts(FORMATS["gif"], damage=damage)


def skip_sub_blocks(data: bytes, position: int, counter: ComplexityCounter) -> int:
    """Position after the empty sub-block that ends the list; beyond the end of the file if that is missing."""
    sub_blocks = 0
    while position < len(data) and data[position]:
        position += 1 + data[position]
        sub_blocks += 1
        if sub_blocks % COUNTED_TOGETHER == 0:
            counter.add_blocks(COUNTED_TOGETHER)
    counter.add_blocks(sub_blocks % COUNTED_TOGETHER)
    return position + 1


def measure_palette(data: bytes, flags_position: int) -> int:
    """Bytes of the colour table that the flags announce: 3 for each of 2 to 256 colours, or 0."""
    flags = data[flags_position] if flags_position < len(data) else 0
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
