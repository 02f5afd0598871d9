"""What can be wrong with an image.

ImageError
├── EmptyImageError         no bytes
├── UnreadableFormatError     not an image of an accepted format
├── CorruptImageError       an accepted format, but damaged or cut short
├── ImageTooLargeError      more pixels than the limit
├── ImageTooComplexError     small, but dear to open: too many scans, frames or blocks, too much metadata
├── BlankImageError         nothing is written on it, where a digit is needed
└── UnwritableFormatError     the result does not fit the format asked for
"""


class ImageError(ValueError):
    """Anything wrong with an image."""


class EmptyImageError(ImageError):
    """No bytes."""


class UnreadableFormatError(ImageError):
    """Not an image of an accepted format."""


class CorruptImageError(ImageError):
    """An accepted format, but damaged or cut short."""


class ImageTooLargeError(ImageError):
    """More pixels than the limit. The message names both and the setting that changes it."""


class ImageTooComplexError(ImageError):
    """Small, but dear to open. The message names the value, the limit and the setting that changes it."""


class BlankImageError(ImageError):
    """Nothing is written on it, where a digit is needed."""


class UnwritableFormatError(ImageError):
    """The result does not fit the format asked for."""
