"""What every task of a worker process shares: settings, the catalogue of kernels and parsed steps."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import msgspec
import numpy as np

from app.images.limits import ImageLimits
from app.settings import Settings
from app.tasks.catalogue import load_catalogue
from app.tasks.operations import decode_operations
from kernels.catalogue import Catalogue, Entry
from models.errors import ModelFolderError
from models.model_folder import read_card
from models.reader.reader import BUNDLED_FOLDER

PARSED_REQUESTS = 256
"""Requests whose steps are kept: many clients send the same query again and again."""


class AddedKernel(msgspec.Struct, frozen=True):
    """A kernel that is not built in: one that the digit network has learned, or one of the operator's own file."""

    name: str
    title: str
    weights: list[list[float]]
    divisor: float
    source: str
    response: str | None


class StaticData(msgspec.Struct, frozen=True):
    """What a worker process gets once, when it starts."""

    added_kernels: list[AddedKernel]
    model_sha256: str
    """Of the weights of the digit model that the service describes at /model."""


@dataclass(frozen=True, eq=False)
class TaskContext:
    """The first argument of every task."""

    settings: Settings
    catalogue: Catalogue

    @property
    def image_limits(self) -> ImageLimits:
        return ImageLimits.from_settings(self.settings)

    @cached_property
    def parse_steps(self) -> Any:
        """`decode_operations` for this catalogue, with a cache."""
        return lru_cache(PARSED_REQUESTS)(lambda operations: decode_operations(operations, self.catalogue))


def encode_static_data(catalogue: Catalogue, model_card: dict[str, Any]) -> bytes:
    """For `WorkerPool`. A worker that starts later gets the same catalogue, even if its file has changed meanwhile."""
    built_in = Catalogue()
    added = [describe_kernel(entry) for entry in catalogue.values() if entry.name not in built_in]
    return msgspec.msgpack.encode(StaticData(added, str(model_card.get("weights_sha256", ""))))


def load_static_data(settings: Settings) -> bytes:
    """Raises ModelFolderError and KernelFileError."""
    return encode_static_data(load_catalogue(settings), read_card(settings.model_folder or BUNDLED_FOLDER))


def describe_kernel(entry: Entry) -> AddedKernel:
    kernel = entry.make_kernel()
    return AddedKernel(
        kernel.name, kernel.title, kernel.weights.tolist(), kernel.divisor, kernel.source, kernel.response
    )


def build_context(settings: Settings, static: bytes) -> tuple[TaskContext, str]:
    """The context of a worker, and the digest of the digit model's weights that it should have."""
    data = msgspec.msgpack.decode(static, type=StaticData)
    catalogue = Catalogue().extended([make_entry(kernel) for kernel in data.added_kernels])
    return TaskContext(settings, catalogue), data.model_sha256


def make_entry(kernel: AddedKernel) -> Entry:
    weights = np.array(kernel.weights, np.float64)
    response: Any = kernel.response
    return Entry(
        kernel.name, kernel.title, lambda: [weights], divisor=kernel.divisor, source=kernel.source, response=response
    )


def check_model(card: dict[str, Any], sha256: str) -> None:
    """Raise ModelFolderError if the model folder has changed since the service started."""
    if card.get("weights_sha256", "") != sha256:
        raise ModelFolderError(
            "The digit model is another one than when the service started. Restart the service to use it."
        )
