"""The facts that the structure of an image file tells, without its pixels."""

from dataclasses import dataclass

from app.images.errors import CorruptImageError
from app.images.formats import Format


@dataclass(frozen=True)
class FileFacts:
    """The result of `app.images.inspect.inspect`."""

    format: Format | None
    """The format that the first bytes claim; None for an unknown one."""
    png_bit_depth: int = 0
    """Bits per channel of a PNG: 1, 2, 4, 8 or 16; 0 for other formats."""
    may_have_orientation: bool = False
    """A chunk of the PNG can hold an EXIF orientation, which only Pillow reads."""
    may_be_animated: bool = False
    """The type of a frame chunk occurs in the WebP, perhaps by chance, or that of an animation chunk in the PNG."""
    is_lossless: bool = False
    """All frames of the WebP are lossless."""
    damage: str = ""
    """A sentence about damage to the pixels that Pillow does not report; empty for none."""
    is_alpha_hidden: bool = False
    """No flag of the lossless WebP announces the alpha that it can have."""
    repaired: bytes | None = None
    """The file without what only Pillow or libjpeg stumble over; None if there is nothing of that kind."""

    def reject_damage(self) -> None:
        """Raise CorruptImageError if the pixels are known to be damaged."""
        if self.damage:
            raise CorruptImageError(self.damage)
