"""Lossless WebP with alpha that its flags do not announce. Source: RFC 9649, sections 2.7.1 and 3.4.

The flag of a lossless stream is only a hint, which Pillow obeys: it drops alpha that is not announced. Chromium shows
alpha in any case. If neither the hint nor, where there is one, the flag of the file is set, it takes the colours for
premultiplied.
"""

import numpy as np

from app.images.image import Pixels

FILE_HEADER_BYTES, CHUNK_HEADER_BYTES = 12, 8
EXTENDED, LOSSLESS = b"VP8X", b"VP8L"
EXTENDED_ALPHA_FLAG = 0x10
HINT_BYTE, HINT = 4, 0x10
"""The hint is bit 28 of the four bytes after the signature of a lossless stream."""


def set_alpha_hint(data: bytes) -> tuple[bytes | None, bool]:
    """A copy of a still WebP whose lossless stream announces alpha, or None if there is nothing to change.

    The second value tells that no flag announces alpha, so that `settle_alpha` has to follow.
    """
    position, flags = FILE_HEADER_BYTES, None
    while position + CHUNK_HEADER_BYTES <= len(data):
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        start = position + CHUNK_HEADER_BYTES
        if kind == EXTENDED:
            flags = data[start] if start < len(data) else 0
        elif kind == b"ANIM":
            break
        elif kind == LOSSLESS and start + HINT_BYTE < len(data):
            is_hinted = bool(data[start + HINT_BYTE] & HINT)
            is_announced = is_hinted if flags is None else bool(flags & EXTENDED_ALPHA_FLAG)
            if is_hinted:
                return None, not is_announced
            changed = bytearray(data)
            changed[start + HINT_BYTE] |= HINT
            return bytes(changed), not is_announced
        position = start + length + length % 2
    return None, False


def settle_alpha(pixels: Pixels) -> Pixels:
    """RGB if (height, width, 4) is opaque; otherwise the colours divided by alpha, as Chromium shows them."""
    alpha = pixels[:, :, 3:]
    if alpha.min() == 255:
        return np.ascontiguousarray(pixels[:, :, :3])
    divided = np.minimum(pixels[:, :, :3] * np.float32(255) / np.maximum(alpha, 1), 255)
    return np.concatenate([np.where(alpha == 0, 0, np.rint(divided)).astype(np.uint8), alpha], axis=2)
