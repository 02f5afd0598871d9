"""Structure of image files: one pass over the bytes, before any decoder gets them.

The pass rejects decompression bombs, which are small files that cost a lot to decode:

| file                                                     | cost without this check                              |
|----------------------------------------------------------|------------------------------------------------------|
| JPEG of 200 kB with 1,005 scans, 36 megapixels           | 23 s: each scan visits all pixels                    |
| GIF, APNG, WebP, TIFF of 100,000 tiny frames             | seconds: each is decoded, filtered and encoded       |
| any of these in a million blocks of a few bytes          | seconds: one turn of the decoder's Python loop each  |
| PNG with text or a profile that inflates to 1,000 times  | memory                                               |
| TIFF whose tags have millions of values                  | memory: 40 bytes for each byte                       |

It also finds damage that Pillow ignores: wrong checksums of a PNG's pixels and a GIF that ends within a block. All
other damage, and the size in pixels, is checked while decoding, except for HEIC: its decoder reads a file as a whole.
"""

from collections.abc import Callable

from app.images.file_facts import FileFacts
from app.images.formats import InputFormatName, recognize_format
from app.images.inspect_gif import inspect_gif
from app.images.inspect_heif import inspect_avif, inspect_heic
from app.images.inspect_jpeg import inspect_jpeg
from app.images.inspect_png import inspect_png
from app.images.inspect_tiff import inspect_tiff
from app.images.inspect_webp import inspect_webp
from app.images.limits import ImageLimits

INSPECTORS: dict[InputFormatName, Callable[[bytes, ImageLimits], FileFacts]] = {
    "avif": inspect_avif,
    "gif": inspect_gif,
    "heic": inspect_heic,
    "jpeg": inspect_jpeg,
    "png": inspect_png,
    "tiff": inspect_tiff,
    "webp": inspect_webp,
}


def inspect(data: bytes, limits: ImageLimits) -> FileFacts:
    """Read the structure of a file in time proportional to its size.

    Raises ImageTooComplexError for a decompression bomb, and for HEIC any ImageError. Another file that is damaged or
    of an unknown format is not an error here.
    """
    format = recognize_format(data)
    inspect_format = INSPECTORS.get(format.name) if format else None
    return inspect_format(data, limits) if inspect_format else FileFacts(format)
