"""What a job does to every image of an archive, and where the results go."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from app.archive.storage import StorageFolder
from app.images.formats import ALIASES, FORMATS, HEIC, READABLE_EXTENSIONS, FormatName
from app.settings import Settings
from app.tasks.filter import FilterRequest
from app.tasks.options import AS_USUAL, ReadingOptions
from kernels.chain import AnyStep, gives_image
from kernels.layers.layer import Convolution
from kernels.layers.step import LayerStep
from kernels.product import list_weights


@dataclass(frozen=True)
class ArchiveJob:
    """The folders of the images and of the results, and the settings that limit images."""

    source: StorageFolder
    out: StorageFolder
    settings: Settings

    def selects(self, name: str) -> bool:
        """Whether a file of the source is processed: with a pattern every match, else files with an image extension."""
        return self.source.pattern is not None or find_extension(name) in READABLE_EXTENSIONS


@dataclass(frozen=True)
class FilterJob(ArchiveJob):
    """Filters every image with the same kernels, into a file of the same name."""

    request: FilterRequest
    format: FormatName | None = None
    """None keeps the format of each image."""
    kind = "filtered"
    chunk_size = 1

    def name_result(self, name: str) -> str:
        """The name of the image. If the format changes, the new extension is appended, so names stay unique.

        The result of a HEIC is a JPEG unless another format is requested.
        """
        is_image = gives_image(self.request.steps)
        wanted = self.format if is_image or self.format == "json" else "npy"
        extension = find_extension(name)
        if wanted is None and extension in (HEIC.extension, *HEIC.other_extensions):
            wanted = HEIC.written_as
        if wanted is None or ALIASES.get(extension, extension) == wanted:
            return name
        return f"{name}.{FORMATS[wanted].extension}"

    def compute_fingerprint(self) -> str:
        """Identifies everything that the content of a result depends on, except the image."""
        steps = [describe_content(step) for step in self.request.steps]
        request = self.request
        area = [request.area.regions, request.area.reads]
        return hash_parameters([self.kind, steps, request.linear, request.frames, request.quality, self.format, area])


def describe_content(step: AnyStep) -> dict[str, Any]:
    """What the result of a step depends on."""
    settings = step.settings.model_dump(mode="json")
    if isinstance(step, LayerStep):
        weights = step.layer.weights.tolist() if isinstance(step.layer, Convolution) else None
        bias = step.layer.bias if isinstance(step.layer, Convolution) else None
        return {"layer": step.name, "weights": weights, "bias": bias, "settings": settings}
    return {
        "kernel": [list_weights(part) for part in step.kernel.parts],
        "combine": step.kernel.combine,
        "divisor": step.divisor,
        "response": step.response,
        "amount": step.amount,
        "settings": settings,
    }


@dataclass(frozen=True)
class ClassifyJob(ArchiveJob):
    """Reads one handwritten digit in every image, into a table."""

    reading: ReadingOptions = AS_USUAL
    kind = "classified"
    chunk_size = 16

    def name_result(self, name: str) -> str:
        return name

    def compute_fingerprint(self) -> str:
        """Identifies everything that an answer depends on, except the image. Raises ModelFolderError."""
        from models.model_folder import read_card
        from models.reader.weights import BUNDLED_FOLDER

        card = read_card(self.settings.model_folder or BUNDLED_FOLDER)
        return hash_parameters([self.kind, self.reading.polarity, self.reading.strictness, card])


Job = FilterJob | ClassifyJob


def find_extension(name: str) -> str:
    """`scans/A.PNG` has the extension `png`."""
    return name.rpartition(".")[2].lower()


def hash_parameters(parameters: Any) -> str:
    """Equal for equal parameters in the same version of convserve."""
    text = json.dumps([version("convserve"), parameters], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
