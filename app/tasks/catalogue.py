"""The catalogue of the service: built-in kernels, kernels of the digit network, and the operator's own kernels."""

from pathlib import Path

import numpy as np

from app.settings import Settings
from kernels.catalogue import Catalogue, Entry
from kernels.custom import read_kernels_file
from models.errors import ModelFolderError
from models.reader.weights import BUNDLED_FOLDER, read_weights

LEARNED = "learned"
"""The `source` of learned kernels."""


def load_catalogue(settings: Settings) -> Catalogue:
    """Raises ModelFolderError and KernelFileError."""
    catalogue = Catalogue().extended(make_learned_entries(settings.model_folder or BUNDLED_FOLDER))
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
