"""The table of named kernels. Weights are applied as written (correlation), not flipped.

To add a kernel, add a row here and run `scripts/document`. Add a test only if the kernel brings a new idea.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kernels import parametric
from kernels.errors import KernelParameterError, UnknownKernelError
from kernels.kernel import MAX_LENGTH, MAX_SIDE, Combine, Kernel
from kernels.layers.catalogue import LAYERS, LayerEntry
from kernels.parameter import Parameter
from kernels.product import Product
from kernels.settings import Response
from kernels.types import Weights

LECTURE = "Stanford CS 20, lecture on convnets (kernels.py)"
SETOSA = "Setosa, Image Kernels (2015)"
CIMAGE = "cimage, img.php?convolve"
MATLAB = "MATLAB and Octave, fspecial"


@dataclass(frozen=True)
class Entry:
    """A row of the catalogue: a kernel, or a function that makes one from parameters."""

    name: str
    title: str
    make: Callable[..., Sequence[Weights | Product]]
    parameters: tuple[Parameter, ...] = ()
    combine: Combine = "single"
    divisor: float = 1.0
    source: str = ""
    response: Response | None = None

    def make_kernel(self, values: Mapping[str, float] | None = None) -> Kernel:
        """Make the kernel. Raises KernelParameterError for an unknown parameter or a value out of range."""
        values = values or {}
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values:
            if name not in known:
                hint = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
                raise KernelParameterError(name, f"The kernel '{self.name}' has no parameter '{name}': {hint}.")
        chosen = {p.name: p.default for p in self.parameters if p.default is not None}
        chosen |= {name: known[name].check(value) for name, value in values.items()}
        parts = tuple(
            part if isinstance(part, Product) else np.asarray(part, np.float64) for part in self.make(**chosen)
        )
        return Kernel(self.name, self.title, parts, self.combine, self.divisor, self.source, self.response)


SIZE = Parameter(
    "size",
    None,
    1,
    MAX_SIDE,
    "Side in pixels, odd. Default: follows from the other parameters.",
    integer=True,
)
LONG_SIZE = replace(SIZE, maximum=MAX_LENGTH)
MAX_BLUR_LENGTH = 1001
"""Pixels of a box or a motion."""
ANGLE = "Direction in degrees, counter-clockwise from the x axis."


def fixed(name: str, title: str, *parts: list[list[float]], **fields: Any) -> Entry:
    """A row with constant weights."""
    return Entry(name, title, lambda: [np.array(part, np.float64) for part in parts], **fields)


def parametrised(
    name: str, title: str, make: Callable[..., Weights | Product], *parameters: Parameter, **fields: Any
) -> Entry:
    """A row whose weights follow from parameters."""
    return Entry(name, title, lambda **values: [make(**values)], parameters, **fields)


ENTRIES = (
    fixed("identity", "Identity (no change)", [[0, 0, 0], [0, 1, 0], [0, 0, 0]], source=SETOSA),
    # -- smoothing: the weights sum to the divisor
    fixed("blur", "Blur (binomial)", [[1, 2, 1], [2, 4, 2], [1, 2, 1]], divisor=16, source=LECTURE),
    fixed("average", "Average (3 × 3 mean)", [[1, 1, 1], [1, 1, 1], [1, 1, 1]], divisor=9, source=CIMAGE),
    parametrised(
        "box", "Box blur", parametric.make_box_blur,
        Parameter("size", 5, 1, MAX_BLUR_LENGTH, "Side in pixels, odd.", integer=True), source=MATLAB,
    ),
    parametrised(
        "gaussian", "Gaussian blur", parametric.make_gaussian_blur,
        Parameter("sigma", 2, 0.1, 200, "Standard deviation in pixels."), LONG_SIZE, source=MATLAB,
    ),
    parametrised(
        "disk", "Disk (out-of-focus blur)", parametric.make_disk,
        Parameter("radius", 4, 0.5, 31, "Radius in pixels."), SIZE, source="ImageMagick, Kernel Disk",
    ),
    parametrised(
        "motion", "Motion blur", parametric.make_motion_blur,
        Parameter(
            "length", 15, 1, MAX_BLUR_LENGTH,
            f"Length of the line in pixels; above {MAX_SIDE}, the angle is a multiple of 90.",
        ),
        Parameter("angle", 0, -360, 360, ANGLE), LONG_SIZE, source=MATLAB,
    ),
    parametrised(
        "median", "Median (no convolution)", parametric.make_box,
        Parameter("size", 3, 3, 7, "Side in pixels, odd.", integer=True), combine="median", response="clip",
        source="Tukey 1977; OpenCV, medianBlur",
    ),
    # -- sharpening: the weights sum to 1, some are negative
    fixed("sharpen", "Sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], source=LECTURE),
    parametrised(
        "unsharp", "Unsharp mask", parametric.make_unsharp,
        Parameter("sigma", 2, 0.1, 10.3, "Standard deviation of the blur in pixels."),
        Parameter("amount", 1, 0, 10, "Factor of the difference that is added."), SIZE,
        source="ImageMagick, -unsharp, without threshold",
    ),
    # -- edges: the weights sum to 0
    fixed("edge", "Edges, 8 neighbours", [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], source=LECTURE),
    fixed("outline", "Outline", [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], source=SETOSA),
    fixed("laplacian", "Laplacian, 4 neighbours", [[0, 1, 0], [1, -4, 1], [0, 1, 0]], source="OpenCV, Laplacian"),
    parametrised(
        "log", "Laplacian of Gaussian", parametric.make_laplacian_of_gaussian,
        Parameter("sigma", 1.4, 0.5, 7.5, "Standard deviation in pixels."), SIZE,
        source="Marr and Hildreth 1980",
    ),
    parametrised(
        "dog", "Difference of Gaussians", parametric.make_difference_of_gaussians,
        Parameter("sigma1", 1, 0.1, 10.2, "Standard deviation of the narrower Gaussian in pixels."),
        Parameter("sigma2", 1.6, 0.2, 10.3, "Standard deviation of the wider Gaussian in pixels."), SIZE,
        source="Marr and Hildreth 1980",
    ),
    fixed("top-sobel", "Sobel, brighter above", [[1, 2, 1], [0, 0, 0], [-1, -2, -1]], source=LECTURE),
    fixed("bottom-sobel", "Sobel, brighter below", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]], source=SETOSA),
    fixed("left-sobel", "Sobel, brighter on the left", [[1, 0, -1], [2, 0, -2], [1, 0, -1]], source=SETOSA),
    fixed("right-sobel", "Sobel, brighter on the right", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], source=SETOSA),
    fixed(
        "sobel", "Sobel, magnitude",
        [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
        combine="magnitude", source="Sobel and Feldman 1968",
    ),
    fixed("left-prewitt", "Prewitt, brighter on the left", [[1, 0, -1], [1, 0, -1], [1, 0, -1]], source="Prewitt 1970"),
    fixed("top-prewitt", "Prewitt, brighter above", [[1, 1, 1], [0, 0, 0], [-1, -1, -1]], source="Prewitt 1970"),
    fixed(
        "prewitt", "Prewitt, magnitude",
        [[1, 0, -1], [1, 0, -1], [1, 0, -1]], [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
        combine="magnitude", source="Prewitt 1970",
    ),
    fixed("left-scharr", "Scharr, brighter on the left", [[3, 0, -3], [10, 0, -10], [3, 0, -3]], source="Scharr 2000"),
    fixed("top-scharr", "Scharr, brighter above", [[3, 10, 3], [0, 0, 0], [-3, -10, -3]], source="Scharr 2000"),
    fixed(
        "scharr", "Scharr, magnitude",
        [[3, 0, -3], [10, 0, -10], [3, 0, -3]], [[3, 10, 3], [0, 0, 0], [-3, -10, -3]],
        combine="magnitude", source="Scharr 2000",
    ),
    fixed(
        "roberts", "Roberts cross, magnitude", [[1, 0], [0, -1]], [[0, 1], [-1, 0]],
        combine="magnitude", source="Roberts 1963",
    ),
    Entry(
        "kirsch", "Kirsch, largest of 8 directions",
        lambda: parametric.turn_compass(np.array([[5, 5, 5], [-3, 0, -3], [-3, -3, -3]], np.float64)),
        combine="maximum", source="Kirsch 1971",
    ),
    parametrised(
        "gabor", "Gabor (stripes in one direction)", parametric.make_gabor,
        Parameter("wavelength", 6, 2, 40, "Wavelength in pixels."),
        Parameter("angle", 0, -360, 360, ANGLE),
        Parameter("sigma", 3, 0.5, 10.3, "Standard deviation of the envelope in pixels."), SIZE,
        source="Daugman 1985",
    ),
    # -- relief and brightness
    fixed("emboss", "Emboss", [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], source=LECTURE),
    fixed("lighten", "Lighten by a third", [[0, 0, 0], [0, 12, 0], [0, 0, 0]], divisor=9, source=CIMAGE),
    fixed("darken", "Darken by a third", [[0, 0, 0], [0, 6, 0], [0, 0, 0]], divisor=9, source=CIMAGE),
)  # fmt: skip


class Catalogue(Mapping[str, Entry]):
    """The kernels by name, and apart from them the layers. Names are case-insensitive; `_` and a space are `-`."""

    def __init__(self, entries: Sequence[Entry] = ENTRIES, layers: Sequence[LayerEntry] = LAYERS) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self.layers = {entry.name: entry for entry in layers}
        """The layers, which are not kernels, by name."""

    def __getitem__(self, name: str) -> Entry:
        """Raises UnknownKernelError, with the nearest names, if no kernel has this name."""
        wanted = normalize_name(name)
        if wanted not in self._entries:
            names = [*self._entries, *self.layers]
            raise UnknownKernelError(name, difflib.get_close_matches(wanted, names, n=3, cutoff=0.5))
        return self._entries[wanted]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and normalize_name(name) in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def find_layer(self, name: str) -> LayerEntry | None:
        """The layer with this name; None if there is none."""
        return self.layers.get(normalize_name(name))

    def extended(self, entries: Sequence[Entry] = (), layers: Sequence[LayerEntry] = ()) -> "Catalogue":
        """A new catalogue with additional rows."""
        return Catalogue([*self._entries.values(), *entries], [*self.layers.values(), *layers])


def normalize_name(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")
