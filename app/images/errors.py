"""Errors of reading and writing images.

ImageError
├── EmptyImageError          no bytes
├── UnreadableFormatError    not an image of an accepted format
├── CorruptImageError        an accepted format, but damaged or cut short
├── ImageTooLargeError       more pixels than the limit
├── ImageTooComplexError     a decompression bomb: too many scans, frames or blocks, or too much metadata
├── BlankImageError          an empty image where a digit is required
└── UnwritableFormatError    the requested format cannot hold the result
"""


class ImageError(ValueError):
    """Any error in an image."""


class EmptyImageError(ImageError):
    """No bytes."""


class UnreadableFormatError(ImageError):
    """Not an image of an accepted format."""


class CorruptImageError(ImageError):
    """An accepted format, but damaged or cut short."""


class ImageTooLargeError(ImageError):
    """More pixels than the limit. The message names both and the setting that changes it."""


class ImageTooComplexError(ImageError):
    """A decompression bomb: a small file that costs a lot to decode.

    The message names the value, the limit and the setting that changes it.
    """


class BlankImageError(ImageError):
    """An empty image where a digit is required."""


class UnwritableFormatError(ImageError):
    """The requested format cannot hold the result."""
