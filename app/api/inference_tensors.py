"""The tensors of the digit model in the Open Inference Protocol, and the binary form of their elements."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from app.errors import InferenceRequestError
from models.network import DIGITS, FIELD

LENGTH_BYTES = 4
"""Of the length before each element of a binary BYTES tensor."""

Data = Literal["BYTES", "FP32", "INT64"]


class TensorDescription(msgspec.Struct, frozen=True):
    """A tensor in the description of the model. -1 is any number of images."""

    name: str
    datatype: Data
    shape: list[int]


INPUTS = (TensorDescription("image", "BYTES", [-1]), TensorDescription("field", "FP32", [-1, FIELD, FIELD]))
OUTPUTS = (
    TensorDescription("digit", "INT64", [-1]),
    TensorDescription("verdict", "BYTES", [-1]),
    TensorDescription("confidence", "FP32", [-1]),
    TensorDescription("probabilities", "FP32", [-1, DIGITS]),
    TensorDescription("not_a_digit", "FP32", [-1]),
)
NUMPY_TYPES = {"FP32": "<f4", "INT64": "<i8"}


def list_names(tensors: Sequence[TensorDescription]) -> str:
    return ", ".join(f"'{one.name}' ({one.datatype} {one.shape})" for one in tensors)


def split_elements(name: str, binary: bytes) -> list[bytes]:
    """The elements of a binary BYTES tensor: each is a little-endian uint32 length and that many bytes."""
    elements: list[bytes] = []
    start = 0
    while start < len(binary):
        length = int.from_bytes(binary[start : start + LENGTH_BYTES], "little")
        end = start + LENGTH_BYTES + length
        if start + LENGTH_BYTES > len(binary) or end > len(binary):
            raise InferenceRequestError(
                f"The binary data of '{name}' is truncated: element {len(elements)} should end at byte {end}, and the "
                f"tensor has {len(binary)} bytes."
            )
        elements.append(binary[start + LENGTH_BYTES : end])
        start = end
    return elements


def encode_elements(datatype: str, values: Sequence[Any]) -> bytes:
    """A binary tensor."""
    if datatype == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join(len(text).to_bytes(LENGTH_BYTES, "little") + text for text in texts)
    return np.array(values, NUMPY_TYPES[datatype]).tobytes()
