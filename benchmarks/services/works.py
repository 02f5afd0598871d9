"""What is asked of every server: an image under a kernel or blurred, or digits read."""

import io
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.training.mnist import read_mnist

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
QUALITY = {"jpeg": 85, "webp": 80}
DIGITS_FOLDER = Path(__file__).parents[2] / "tests/data/mnist-excerpt"


@dataclass(frozen=True)
class Work:
    """The same for all servers. Its `name` is that of its table and of its targets."""

    name: str
    servers: tuple[str, ...]
    """Besides convserve."""
    connections: int = 8


@dataclass(frozen=True)
class ImageWork(Work):
    """One image in, one out, both of one format: under the 3x3 sharpen or, with `sigma`, blurred."""

    size: tuple[int, int] = (1920, 1080)
    format: str = "jpeg"
    """Of both: jpeg, png, webp, gif, or png16 for 16 bits a channel."""
    sigma: float = 0

    def make_file(self, photo: Image.Image) -> bytes:
        return encode(np.asarray(photo.resize(self.size, Image.Resampling.LANCZOS)), self.format, of_camera=True)


@dataclass(frozen=True)
class DigitWork(Work):
    """Images of one digit each, 28x28 PNG."""

    count: int = 1
    """Images in one request."""
    connections: int = 16

    def make_files(self) -> list[bytes]:
        return [encode(image, "png") for image in read_digits()[0][: self.count]]

    @property
    def labels(self) -> list[int]:
        return [int(label) for label in read_digits()[1][: self.count]]


@cache
def read_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(images, labels) of the test digits that come with the tests, the ten mixed."""
    test = read_mnist(DIGITS_FOLDER).test
    order = np.random.default_rng(0).permutation(len(test.labels))
    return test.images[order], test.labels[order]


def encode(pixels: NDArray[Any], format: str, of_camera: bool = False) -> bytes:
    """A file of uint8 pixels; `of_camera` gives the quality of what is sent, else that of what comes back."""
    if format == "png16":
        import cv2  # Pillow writes no RGB of 16 bits

        grain = np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint16)
        return cv2.imencode(".png", (pixels.astype(np.uint16) * 256 + grain)[:, :, ::-1])[1].tobytes()
    options: dict[str, Any] = {"quality": 90 if of_camera else QUALITY[format]} if format in QUALITY else {}
    if format == "jpeg":
        options["subsampling"] = 2
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


GIVEN = ("opencv", "pillow", "pyvips", "sharp", "thumbor")
FORMATS = ("opencv-formats", "pillow-formats", "pyvips-formats", "sharp-formats")
BLURS = ("pyvips-formats", "sharp-formats")
DIGIT_PEERS = ("keras-predict", "onnxruntime")


@dataclass(frozen=True)
class Part:
    """Works that are measured together."""

    name: str
    works: list[Work] = field(default_factory=list)


PARTS = [
    Part("jpeg", [ImageWork("1920x1080 JPEG", GIVEN), ImageWork("512x512 JPEG", GIVEN, size=(512, 512))]),
    Part(
        "png",
        [
            ImageWork("1920x1080 PNG", GIVEN, format="png"),
            ImageWork("512x512 PNG", GIVEN, size=(512, 512), format="png"),
        ],
    ),
    Part("large", [ImageWork("12 MP JPEG", ("opencv", "sharp"), size=(4000, 3000))]),
    Part("blur", [ImageWork(f"blur sigma {sigma}", BLURS, sigma=sigma) for sigma in (2, 5, 10)]),
    Part(
        "formats",
        [
            ImageWork("1920x1080 WebP", FORMATS, format="webp"),
            ImageWork("512x512 GIF", FORMATS, size=(512, 512), format="gif"),
            ImageWork("512x512 16-bit PNG", ("opencv-formats", "pyvips-formats"), size=(512, 512), format="png16"),
        ],
    ),
    Part(
        "digits",
        [DigitWork("one digit", DIGIT_PEERS), DigitWork("64 digits in one request", (), count=64)],
    ),
]
