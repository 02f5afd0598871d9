"""What the tasks of a worker process share: settings, the catalogue of kernels, and a cache of parsed steps."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import msgspec
import numpy as np

from app.images.limits import ImageLimits
from app.settings import Settings
from app.tasks.catalogue import load_catalogue, make_learned_layers
from app.tasks.operations import decode_operations
from kernels.catalogue import Catalogue, Entry
from kernels.chain import AnyStep
from models.errors import ModelFolderError
from models.model_folder import read_card
from models.reader.weights import BUNDLED_FOLDER

MAX_CACHED_REQUESTS = 256
MAX_CACHED_CHARACTERS = 4000
"""Of the operations of a request. Longer ones are not cached. They would fill the memory."""


class AddedKernel(msgspec.Struct, frozen=True):
    """A kernel that is not built in: from the digit network, or from the operator's file."""

    name: str
    title: str
    weights: list[list[float]]
    divisor: float
    source: str
    response: str | None


class StaticData(msgspec.Struct, frozen=True):
    """The data that a worker process gets when it starts."""

    added_kernels: list[AddedKernel]
    model_sha256: str
    """Digest of the weights of the digit model that /model describes."""


@dataclass(frozen=True, eq=False)
class TaskContext:
    """The first argument of every task."""

    settings: Settings
    catalogue: Catalogue

    @property
    def image_limits(self) -> ImageLimits:
        return ImageLimits.from_settings(self.settings)

    def parse_steps(self, operations: str) -> tuple[AnyStep, ...]:
        """`decode_operations` for this catalogue, with a cache. Raises what it raises."""
        if len(operations) > MAX_CACHED_CHARACTERS:
            return decode_operations(operations, self.catalogue)
        return self._parse_cached(operations)

    @cached_property
    def _parse_cached(self) -> Callable[[str], tuple[AnyStep, ...]]:
        return lru_cache(MAX_CACHED_REQUESTS)(lambda operations: decode_operations(operations, self.catalogue))


def encode_static_data(catalogue: Catalogue, model_card: dict[str, Any]) -> bytes:
    """The static data of a `WorkerPool`. A later change of the kernels file does not reach workers that start later."""
    built_in = Catalogue()
    added = [describe_kernel(entry) for entry in catalogue.values() if entry.name not in built_in]
    return msgspec.msgpack.encode(StaticData(added, str(model_card.get("weights_sha256", ""))))


def load_static_data(settings: Settings) -> bytes:
    """Load the static data of a service with these settings. Raises ModelFolderError and KernelFileError."""
    return encode_static_data(load_catalogue(settings), read_card(settings.model_folder or BUNDLED_FOLDER))


def describe_kernel(entry: Entry) -> AddedKernel:
    kernel = entry.make_kernel()
    return AddedKernel(
        kernel.name, kernel.title, kernel.weights.tolist(), kernel.divisor, kernel.source, kernel.response
    )


def build_context(settings: Settings, static: bytes) -> tuple[TaskContext, str]:
    """The context of a worker, and the expected digest of the digit model's weights."""
    data = msgspec.msgpack.decode(static, type=StaticData)
    layers = make_learned_layers(settings.model_folder or BUNDLED_FOLDER)
    catalogue = Catalogue().extended([make_entry(kernel) for kernel in data.added_kernels], layers)
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
            "The digit model has changed since the service started. Restart the service to use the new model."
        )
