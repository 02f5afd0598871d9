"""Run the same kernels through other libraries and write how far they differ into docs/explanation/equivalence.md.

    .venv/bin/python scripts/compare_libraries.py

OpenCV, SciPy and Pillow come with requirements/test.txt. ImageMagick is found on the PATH, sharp by Node:
`npm install --prefix /tmp/sharp sharp`, then NODE_PATH=/tmp/sharp/node_modules. A library that is missing is
skipped, and its rows stay as they are in the document.
"""

import base64
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL
import scipy
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from kernels import convolve
from kernels.catalogue import Catalogue

DOCUMENT = Path(__file__).parent.parent / "docs/explanation/equivalence.md"
MARKERS = ("<!-- begin generated -->", "<!-- end generated -->")

Pixels = NDArray[Any]
Weights = NDArray[np.float64]
Apply = Callable[[Pixels, Weights, float], Pixels]  # (image, weights, divisor) -> image


class MissingError(Exception):
    """The library is not on this machine."""


NAMED = [Catalogue()[name].make_kernel() for name in ("sharpen", "top-sobel", "blur", "edge", "emboss")]
KERNELS = {kernel.name: (kernel.weights, kernel.divisor) for kernel in NAMED}
KERNELS["1..9"] = (np.arange(1.0, 10.0).reshape(3, 3), 45.0)


def paint_image() -> Pixels:
    """120 x 80: gradients, a disc, a checkerboard up to the edge, and noise. Nothing is even or symmetric."""
    y, x = np.mgrid[:80, :120].astype(np.float64)
    image = np.stack([2 * x, 3 * y, 255 - x - y], axis=2)
    image[(x - 40) ** 2 + (y - 30) ** 2 < 400] = (250, 40, 90)
    image[(x > 80) & ((x // 5 + y // 5) % 2 == 0)] = (20, 200, 240)
    image += np.random.default_rng(1).normal(0, 12, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


# -- each library twice: set so that it gives our result, and with its defaults


def opencv(border: int) -> Apply:
    return lambda image, weights, divisor: cv2.filter2D(image, -1, weights / divisor, borderType=border)


def scipy_set(image: Pixels, weights: Weights, divisor: float) -> Pixels:
    sums = ndimage.correlate(image.astype(np.float64), weights[:, :, None], mode="nearest")
    return np.clip(np.rint(sums / divisor), 0, 255)


def scipy_plain(image: Pixels, weights: Weights, divisor: float) -> Pixels:
    return ndimage.convolve(image, weights[:, :, None] / divisor)


def pillow_set(image: Pixels, weights: Weights, divisor: float) -> Pixels:
    return pillow_plain(np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge"), weights[::-1], divisor)[1:-1, 1:-1]


def pillow_plain(image: Pixels, weights: Weights, divisor: float) -> Pixels:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.Kernel((3, 3), weights.ravel().tolist(), divisor)))


def encode_png(image: Pixels) -> bytes:
    Image.fromarray(image).save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


def find_imagemagick() -> tuple[str, str]:
    for command in ("magick", "convert", "convert-im6.q16"):
        if path := shutil.which(command):
            text = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stdout
            if match := re.match(r"Version: ImageMagick ([\d.-]+) (Q\d+(?:-HDRI)?)?", text):
                return path, " ".join(filter(None, match.groups()))
    raise MissingError


def imagemagick(method: str, depth: int) -> Apply:
    def apply(image: Pixels, weights: Weights, divisor: float) -> Pixels:
        rows = " ".join(",".join(repr(float(number / divisor)) for number in row) for row in weights)
        command = [find_imagemagick()[0], "png:-", "-virtual-pixel", "Edge", "-morphology", method, f"3x3: {rows}"]
        command += ["-depth", str(depth), "-endian", "LSB", "rgb:-"]
        result = subprocess.run(command, input=encode_png(image), capture_output=True, check=True).stdout
        values = np.frombuffer(result, f"<u{depth // 8}").reshape(image.shape)
        return np.rint(values / 257) if depth == 16 else values

    return apply


def run_node(program: str) -> bytes:
    try:
        return subprocess.run(["node", "-e", program], capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise MissingError from None
    except subprocess.CalledProcessError as error:
        raise MissingError if b"Cannot find module" in error.stderr else error from None


def run_sharp(code: str, shape: tuple[int, ...], **values: Any) -> Pixels:
    """The image that `require('sharp')(code` makes; the values are at hand as `v`."""
    program = f"const v = {json.dumps(values)}; require('sharp')({code}.removeAlpha().raw().toBuffer()"
    data = run_node(program + ".then(data => process.stdout.write(data))")
    return np.frombuffer(data, np.uint8).reshape(shape)


def find_sharp(part: str) -> str:
    return run_node(f"process.stdout.write(require('sharp').versions.{part})").decode()


def sharp(image: Pixels, weights: Weights, divisor: float) -> Pixels:
    kernel = {"width": 3, "height": 3, "kernel": weights.ravel().tolist(), "scale": divisor}
    code = "Buffer.from(v.png, 'hex')).convolve(v.kernel)"
    return run_sharp(code, image.shape, png=encode_png(image).hex(), kernel=kernel)


def svg(is_set: bool) -> Apply:
    """feConvolveMatrix as librsvg, which sharp brings along, renders it."""
    region = 'x="0" y="0" width="100%" height="100%" color-interpolation-filters="sRGB"' if is_set else ""

    def apply(image: Pixels, weights: Weights, divisor: float) -> Pixels:
        height, width = image.shape[:2]
        png = base64.b64encode(encode_png(image)).decode()
        # SVG turns the matrix by 180°; librsvg 2.63 reads it by columns besides, which the standard does not say.
        matrix = " ".join(map(str, (weights[::-1, ::-1].T if is_set else weights).ravel()))
        convolution = f'order="3" kernelMatrix="{matrix}" divisor="{divisor:g}" preserveAlpha="{str(is_set).lower()}"'
        text = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
            f'<filter id="f" {region}><feConvolveMatrix {convolution}/></filter><image filter="url(#f)" '
            f'width="{width}" height="{height}" href="data:image/png;base64,{png}"/></svg>'
        )
        return run_sharp("Buffer.from(v.svg))", image.shape, svg=text)

    return apply


LIBRARIES: dict[str, tuple[Callable[[], str], Apply, Apply]] = {
    "OpenCV": (lambda: cv2.__version__, opencv(cv2.BORDER_REPLICATE), opencv(cv2.BORDER_DEFAULT)),
    "SciPy": (lambda: scipy.__version__, scipy_set, scipy_plain),
    "Pillow": (lambda: PIL.__version__, pillow_set, pillow_plain),
    "ImageMagick": (lambda: find_imagemagick()[1], imagemagick("Correlate", 16), imagemagick("Convolve", 8)),
    "sharp": (lambda: find_sharp("sharp"), sharp, sharp),
    "SVG, librsvg": (lambda: find_sharp("rsvg"), svg(True), svg(False)),
}
"""How to tell the version; set so that it gives our result; with its defaults."""


def measure(apply: Apply) -> str:
    image, cells = paint_image(), []
    for weights, divisor in KERNELS.values():
        ours = convolve(image, weights, divisor=divisor, response="clip").astype(int)
        difference = np.abs(apply(image, weights, divisor) - ours)
        cells.append(f"{difference.max():.0f} / {difference.mean():.2f}")
    return " | ".join(cells)


def make_table(heading: str, index: int, previous: str) -> str:
    """`previous` is the document as it was: it keeps the rows of the libraries that are missing here."""
    rows = [f"| {heading} | " + " | ".join(KERNELS) + " |", "|---" * (1 + len(KERNELS)) + "|"]
    for library, (tell_version, *settings) in LIBRARIES.items():
        try:
            rows.append(f"| {library} {tell_version()} | {measure(settings[index])} |")
        except MissingError:
            print(f"{library} is not on this machine: its figures stay as they are.")
            table = previous.partition(rows[0])[2].split("\n\n")[0]
            rows += re.findall(rf"^\| {library} .*$", table, re.MULTILINE)
    return "\n".join(rows)


def main() -> None:
    previous = DOCUMENT.read_text("utf-8")
    tables = make_table("with the settings below", 0, previous) + "\n\n" + make_table("with its defaults", 1, previous)
    before, _, after = re.split("|".join(MARKERS), previous)
    DOCUMENT.write_text(before + f"\n{tables}\n".join(MARKERS) + after, "utf-8")
    print(tables)


if __name__ == "__main__":
    main()
