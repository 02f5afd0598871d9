"""What can be wrong with a picture.

PictureError
├── EmptyPictureError         no bytes
├── UnreadableFormatError     not an image of an accepted format
├── CorruptPictureError       an accepted format, but damaged or cut short
├── PictureTooLargeError      more pixels than the limit
├── PictureTooCostlyError     small, but dear to open: too many scans, frames or blocks, too much metadata
├── BlankPictureError         nothing is written on it, where a digit is needed
└── UnwritableFormatError     the result does not fit the format asked for
"""


class PictureError(ValueError):
    """Anything wrong with a picture."""


class EmptyPictureError(PictureError):
    """No bytes."""


class UnreadableFormatError(PictureError):
    """Not an image of an accepted format."""


class CorruptPictureError(PictureError):
    """An accepted format, but damaged or cut short."""


class PictureTooLargeError(PictureError):
    """More pixels than the limit. The message names both and the setting that changes it."""


class PictureTooCostlyError(PictureError):
    """Small, but dear to open. The message names the value, the limit and the setting that changes it."""


class BlankPictureError(PictureError):
    """Nothing is written on it, where a digit is needed."""


class UnwritableFormatError(PictureError):
    """The result does not fit the format asked for."""
