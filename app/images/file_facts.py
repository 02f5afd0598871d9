"""The facts that the structure of an image file tells, without its pixels."""

from dataclasses import dataclass

from app.images.colour_tags import UNTAGGED, ColourTags
from app.images.errors import CorruptImageError
from app.images.formats import Format


@dataclass(frozen=True)
class FileFacts:
    """The result of `app.images.inspect.inspect`."""

    format: Format | None
    """The format that the first bytes claim; None for an unknown one."""
    png_bit_depth: int = 0
    """Bits per channel of a PNG: 1, 2, 4, 8 or 16; 0 for other formats."""
    png_exif: bytes = b""
    """The body of the chunk eXIf of a PNG, if it precedes the pixels. Pillow also takes a text named `exif`."""
    may_be_animated: bool = False
    """The type of a frame chunk occurs in the WebP, perhaps by chance, or that of an animation chunk in the PNG."""
    is_lossless: bool = False
    """All frames of the WebP are lossless."""
    metadata_positions: tuple[int, ...] = ()
    """Where an AVIF states that an item is EXIF or XMP. The decoder rejects damaged EXIF, browsers do not."""
    visible_size: tuple[int, int] | None = None
    """Width and height of the upper left part of an AVIF that is displayed; None for all."""
    colour: ColourTags = UNTAGGED
    """What the file says about the colour of its pixels, apart from an ICC profile."""
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
