"""Arrays in messages between processes: type and shape in the envelope, values as a blob."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray


class ArrayType(msgspec.Struct, frozen=True):
    """Type and shape of an array. Its values are a blob."""

    dtype: Literal["float32", "bool"]
    shape: Annotated[tuple[Annotated[int, Meta(ge=0, le=200_000)], ...], Meta(min_length=1, max_length=4)]


def describe_arrays(arrays: Sequence[NDArray[Any]]) -> tuple[ArrayType, ...]:
    return tuple(ArrayType(str(array.dtype), array.shape) for array in arrays)  # type: ignore[arg-type]


def encode_arrays(arrays: Sequence[NDArray[Any]]) -> list[bytes]:
    return [array.tobytes() for array in arrays]


def restore_array(type: ArrayType, blob: bytes) -> NDArray[Any]:
    return np.frombuffer(blob, type.dtype).reshape(type.shape)
