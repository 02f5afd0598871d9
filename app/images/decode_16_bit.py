"""Decoding of 16-bit PNG with TensorFlow; Pillow reduces it to 8 bits.

Pillow loads every file first, because it detects damage that TensorFlow ignores.
"""

from PIL import Image

from app.images.file_facts import FileFacts
from app.images.image import Pixels
from app.images.orientation import read_orientation, turn_upright
from kernels.quiet_tensorflow import import_tensorflow


def decode_16_bit_png(image: Image.Image, data: bytes, facts: FileFacts) -> Pixels:
    """Decode to upright (height, width, 1..4) uint16. Raises what Pillow or TensorFlow raise."""
    tf = import_tensorflow()

    image.load()
    has_transparent_colour = "transparency" in image.info
    channels = 4 if has_transparent_colour else 0
    pixels = tf.io.decode_png(data, channels=channels, dtype=tf.uint16).numpy()
    if has_transparent_colour and image.mode.startswith("I"):
        pixels = pixels[:, :, [0, 3]]
    return turn_upright(pixels, read_orientation(image, facts))
