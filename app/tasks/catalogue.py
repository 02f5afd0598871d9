"""The catalogue of the service: built-in kernels, kernels of the digit network, and the operator's own kernels."""

from functools import partial
from pathlib import Path

import numpy as np

from app.settings import Settings
from kernels.catalogue import Catalogue, Entry
from kernels.custom import read_kernels_file
from kernels.layers.catalogue import LayerEntry
from kernels.layers.layer import Layer, make_convolution
from kernels.settings import FilterSettings
from models.errors import ModelFolderError
from models.reader.weights import BUNDLED_FOLDER, read_weights

LEARNED = "learned"
"""The `source` of learned kernels."""
BATCH_NORM_EPSILON = 1e-3
"""Of keras.layers.BatchNormalization, which adds it to the variance."""


def load_catalogue(settings: Settings) -> Catalogue:
    """Raises ModelFolderError and KernelFileError."""
    folder = settings.model_folder or BUNDLED_FOLDER
    catalogue = Catalogue().extended(make_learned_entries(folder), make_learned_layers(folder))
    if settings.kernels_file:
        catalogue = catalogue.extended(read_kernels_file(settings.kernels_file, catalogue))
    return catalogue


def make_learned_entries(folder: Path) -> list[Entry]:
    """The kernels of a model folder's first layer: `mnist-conv1-00` to `-31`. Raises ModelFolderError.

    The weights are those of the convolution, without the gain and offset of the batch norm that follows it. Weights
    before a batch norm have an arbitrary scale, so the response is `rescale`. The default for their sum is `clip`,
    which makes most results almost black or white.
    """
    weights = read_weights(folder, first=1)[0][0].astype(np.float64)
    if weights.ndim != 4 or weights.shape[2] != 1:
        raise ModelFolderError(
            f"{folder}: the first layer has weights of shape {weights.shape}; expected (rows, columns, 1, kernels)"
        )
    kernels = weights[:, :, 0].transpose(2, 0, 1)
    return [
        Entry(
            f"mnist-conv1-{number:02}",
            f"Learned from digits, kernel {number} of the first layer",
            lambda kernel=kernel: [kernel],
            source=LEARNED,
            response="rescale",
        )
        for number, kernel in enumerate(kernels)
        if kernel.any()  # training can set all weights of a kernel to 0
    ]


def return_layer(layer: Layer, settings: FilterSettings) -> Layer:
    """The layer itself: it has no parameters."""
    return layer


def make_learned_layers(folder: Path) -> list[LayerEntry]:
    """The convolutions of a model folder with batch norm and ReLU: `mnist-conv1`, `mnist-conv2`.

    Batch norm with the statistics of training is a factor and an offset for each map, which are multiplied into the
    weights and added to the bias. The network computes in 0..1: its biases are percentages of the range. Raises
    ModelFolderError.
    """
    weights, _ = read_weights(folder, first=10)
    layers = []
    for number, start in enumerate(range(0, len(weights), 5), 1):
        kernel, gamma, beta, mean, variance = (each.astype(np.float64) for each in weights[start : start + 5])
        gain = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        bias = tuple(f"{100 * offset:.9g}%" for offset in beta - mean * gain)
        layer = make_convolution(kernel * gain, bias=bias, is_rectified=True)
        layers.append(
            LayerEntry(
                f"mnist-conv{number}",
                f"Layer {number} of the digit network, with batch norm and ReLU",
                partial(return_layer, layer),
                frozenset({"channels", "response"}),
                LEARNED,
                defaults={"border": "zero", "channels": "gray"},
            )
        )
    return layers
