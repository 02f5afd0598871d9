"""Decoding of animated PNG: each frame as a still PNG, composed as browsers do."""

import io
from collections.abc import Iterator

from PIL import Image

from app.images.apng import ApngFile
from app.images.composition import Patch, compose, drop_unused_alpha
from app.images.decode_pillow import decode_with_pillow
from app.images.fast_codecs import decode_fast
from app.images.file_facts import FileFacts
from app.images.formats import FORMATS
from app.images.image import Frame
from app.images.orientation import read_orientation, turn_upright
from app.images.true_colour import expand_channels


def decode_animated_png(image: Image.Image, animation: ApngFile, end: int, facts: FileFacts) -> list[Frame]:
    """Compose the first `end` frames. Alpha is dropped if the file declares none and all pixels are opaque."""
    orientation = read_orientation(image, facts)
    has_alpha = image.mode.endswith("A") or "transparency" in image.info
    patches = draw_patches(animation, end, FileFacts(FORMATS["png"], png_bit_depth=facts.png_bit_depth))
    frames = list(compose(patches, image.height, image.width))
    frames = frames if has_alpha else drop_unused_alpha(frames)
    return [Frame(turn_upright(frame.pixels, orientation), frame.duration_ms) for frame in frames]


def draw_patches(animation: ApngFile, end: int, facts: FileFacts) -> Iterator[Patch]:
    """Decode each frame as a still PNG to grey + alpha or RGBA."""
    for index, control in enumerate(animation.controls[:end]):
        png = animation.write_frame(index)
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            fast = decode_fast(image, png, facts)
            pixels = fast[0] if fast else decode_with_pillow(image, png, facts, 1)[0].pixels
        with_alpha = expand_channels(pixels, 2 if pixels.shape[2] < 3 else 4)
        yield Patch(with_alpha, control.left, control.top, control.disposal, control.overwrites, control.duration_ms)
