"""The catalogue of the running service: the named kernels, those the digit network has learned, and one's own."""

from pathlib import Path

import numpy as np

from app.settings import Settings
from kernels.catalogue import Catalogue, Entry
from kernels.custom import read_kernels_file
from models.errors import ModelFolderError
from models.reader.reader import BUNDLED_FOLDER, read_weights

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

    They are the convolution's own weights, without the batch norm behind it, which gives each map a gain and an
    offset. Weights before a batch norm have no scale of their own, so the response is `rescale`: by the rule of
    the sum it would be `clip`, and most of them turn an image all but black or white.
    """
    weights = read_weights(folder, first=1)[0][0].astype(np.float64)
    if weights.ndim != 4 or weights.shape[2] != 1:
        raise ModelFolderError(f"{folder}: the first layer has weights of the shape {weights.shape}, not (5, 5, 1, 32)")
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
        if kernel.any()  # one that training has emptied is no filter
    ]
