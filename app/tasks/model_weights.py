"""The task `model-weights`: the digit network as a file for browsers."""

import gzip
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import NoneType

import msgspec

from app.pool.ipc import Report
from app.pool.task import Answer, Task
from app.tasks.classify import load_reader
from app.tasks.context import TaskContext

GZIP_LEVEL = 6
"""Higher levels take longer and save less than 1 %."""


class ModelWeightsParams(msgspec.Struct, frozen=True):
    """Of the task `model-weights`."""

    compressed: bool
    """With gzip, which saves 8 %."""


def run_model_weights(
    context: TaskContext, params: ModelWeightsParams, blobs: Sequence[bytes], report: Report
) -> Answer[None]:
    folder = context.settings.model_folder
    content = compress_weights(folder) if params.compressed else load_reader(folder).encode_half_precision()
    return Answer(None, [content])


MODEL_WEIGHTS = Task("model-weights", ModelWeightsParams, NoneType, run_model_weights)


@lru_cache(maxsize=1)
def compress_weights(folder: Path | None) -> bytes:
    """6 MB that take 0.3 s, so each process keeps them once a client has asked."""
    return gzip.compress(load_reader(folder).encode_half_precision(), GZIP_LEVEL, mtime=0)
