"""Requests and responses of the Open Inference Protocol (version 2), with its binary tensor data extension.

    inputs    either `image`  BYTES [n]            encoded image files; in JSON as base64
              or     `field`  FP32  [n, 28, 28]    prepared digits: 0..1, ink 1 on 0
    outputs   `digit` INT64 [n], -1 for a blank image; `verdict` BYTES [n]; `confidence` FP32 [n];
              `probabilities` FP32 [n, 10]; `not_a_digit` FP32 [n]

Binary tensors follow the JSON in the body, in the order of the inputs; the header Inference-Header-Content-Length is
the length of the JSON. Specification: https://github.com/kserve/open-inference-protocol.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from fastapi.exceptions import RequestValidationError

from app.api.inference_tensors import INPUTS, OUTPUTS, encode_elements, list_names, split_elements
from app.api.uploads import decode_base64
from app.errors import InferenceRequestError, TooManyFilesError
from app.tasks.classify_fields import DigitAnswer

JSON_LENGTH_HEADER = "Inference-Header-Content-Length"


class TensorParameters(msgspec.Struct, frozen=True):
    """Other parameters are ignored, as the protocol demands."""

    binary_data_size: int | None = None
    """Of an input: bytes after the JSON."""
    binary_data: bool | None = None
    """Of an output: whether it is returned as binary data."""


class InputTensor(msgspec.Struct, frozen=True):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    """Flat, or nested as the shape is."""
    parameters: TensorParameters = TensorParameters()


class RequestedOutput(msgspec.Struct, frozen=True):
    name: str
    parameters: TensorParameters = TensorParameters()


class RequestParameters(msgspec.Struct, frozen=True):
    binary_data_output: bool = False
    """For the outputs that do not set `binary_data`."""


class InferenceRequest(msgspec.Struct, frozen=True):
    inputs: list[InputTensor]
    id: str = ""
    parameters: RequestParameters = RequestParameters()
    outputs: list[RequestedOutput] = []
    """Empty for all of them."""


class ImageInput(msgspec.Struct, frozen=True):
    """Encoded image files."""

    files: list[bytes]


class FieldInput(msgspec.Struct, frozen=True):
    """Prepared digits: little-endian float32, row by row."""

    count: int
    values: bytes


def decode_request(
    body: bytes, json_length: str | None, max_images: int
) -> tuple[InferenceRequest, ImageInput | FieldInput]:
    """`json_length` is the header Inference-Header-Content-Length, None if there is none.

    Raises InferenceRequestError or TooManyFilesError.
    """
    document, tail = split_body(body, json_length)
    try:
        request = msgspec.json.decode(document, type=InferenceRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InferenceRequestError(f"The JSON is not an inference request: {error}.") from None
    check_output_names(request.outputs)
    given = take_binary_data(request.inputs, tail)
    if len(request.inputs) != 1:
        raise InferenceRequestError(f"The request has {len(request.inputs)} inputs; send one: {list_names(INPUTS)}.")
    (tensor,), (binary,) = request.inputs, given
    check_description(tensor)
    count = math.prod(tensor.shape[:1])
    if count > max_images:
        raise TooManyFilesError(
            f"The input has {count} images; the limit is {max_images} (CONVSERVE_MAX_DIGIT_FILES). "
            "Split them into several requests."
        )
    if tensor.name == "image":
        return request, ImageInput(read_files(tensor, binary))
    return request, FieldInput(count, read_fields(tensor, binary))


def split_body(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    """The JSON, and the binary tensors after it."""
    if json_length is None:
        return body, b""
    if not (json_length.isascii() and json_length.isdigit()) or int(json_length) > len(body):
        raise InferenceRequestError(
            f"{JSON_LENGTH_HEADER} is {json_length[:30]!r}; it must be the length of the JSON, 0 to {len(body)}, the "
            "length of the body."
        )
    return body[: int(json_length)], body[int(json_length) :]


def take_binary_data(inputs: Sequence[InputTensor], tail: bytes) -> list[bytes | None]:
    """The binary data of each input, None for one with its data in the JSON."""
    taken: list[bytes | None] = []
    start = 0
    for tensor in inputs:
        size = tensor.parameters.binary_data_size
        if size is None:
            taken.append(None)
            continue
        if tensor.data is not None:
            raise InferenceRequestError(f"The input '{tensor.name}' has both data and binary_data_size; send one.")
        if not 0 <= size <= len(tail) - start:
            raise InferenceRequestError(
                f"The input '{tensor.name}' has binary_data_size {size}, but {len(tail) - start} bytes are left after "
                f"the JSON. The header {JSON_LENGTH_HEADER} gives the length of the JSON."
            )
        taken.append(tail[start : start + size])
        start += size
    if start < len(tail):
        raise InferenceRequestError(
            f"{len(tail) - start} bytes after the JSON belong to no input: set binary_data_size."
        )
    return taken


def check_description(tensor: InputTensor) -> None:
    """Raise InferenceRequestError unless name, datatype and shape are those of an input of the model."""
    wanted = next((one for one in INPUTS if one.name == tensor.name), None)
    if wanted is None:
        raise InferenceRequestError(f"There is no input '{tensor.name[:100]}'; the model has {list_names(INPUTS)}.")
    if tensor.datatype != wanted.datatype:
        raise InferenceRequestError(
            f"The input '{tensor.name}' has datatype {tensor.datatype[:30]!r}; it must be {wanted.datatype}."
        )
    fits = len(tensor.shape) == len(wanted.shape) and all(
        side >= 1 if expected == -1 else side == expected
        for side, expected in zip(tensor.shape, wanted.shape, strict=True)
    )
    if not fits:
        raise InferenceRequestError(
            f"The input '{tensor.name}' has shape {tensor.shape[:10]}; it must be {wanted.shape}, where -1 is any "
            "number of images."
        )


def read_files(tensor: InputTensor, binary: bytes | None) -> list[bytes]:
    count = tensor.shape[0]
    if binary is not None:
        return check_count(tensor, split_elements(tensor.name, binary), count)
    texts = check_count(tensor, flatten(tensor.data or []), count)
    files = []
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InferenceRequestError(f"{tensor.name}[{number}] is no string; JSON holds an image file as base64.")
        try:
            files.append(decode_base64(text))
        except RequestValidationError as error:
            raise InferenceRequestError(f"{tensor.name}[{number}]: {error.errors()[0]['msg']}.") from None
    return files


def read_fields(tensor: InputTensor, binary: bytes | None) -> bytes:
    """Little-endian float32 values, all from 0 to 1."""
    count = math.prod(tensor.shape)
    if binary is not None:
        if len(binary) != 4 * count:
            raise InferenceRequestError(
                f"The binary data of '{tensor.name}' has {len(binary)} bytes; shape {tensor.shape} needs {4 * count}."
            )
        values = np.frombuffer(binary, "<f4")
        check_range(tensor.name, float(values.min()), float(values.max()))
        return binary
    numbers = check_count(tensor, flatten(tensor.data or []), count)
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
        raise InferenceRequestError(f"The data of '{tensor.name}' must be numbers.")
    try:
        values = np.array([float(number) for number in numbers])
    except OverflowError:
        raise InferenceRequestError(f"A value of '{tensor.name}' exceeds the range of a float.") from None
    check_range(tensor.name, float(values.min()), float(values.max()))
    return values.astype("<f4").tobytes()


def check_range(name: str, lowest: float, highest: float) -> None:
    if not (lowest >= 0 and highest <= 1):
        raise InferenceRequestError(
            f"The values of '{name}' are {lowest:.6g} to {highest:.6g}; they must be 0 (paper) to 1 (ink). Divide "
            "MNIST's bytes by 255."
        )


def flatten(data: Sequence[Any]) -> list[Any]:
    """Nested lists as one list, row by row."""
    flat: list[Any] = []
    for item in data:
        flat.extend(flatten(item) if isinstance(item, list) else (item,))
    return flat


def check_count(tensor: InputTensor, elements: list[Any], count: int) -> list[Any]:
    if len(elements) != count:
        raise InferenceRequestError(
            f"The input '{tensor.name}' has {len(elements)} elements; shape {tensor.shape} needs {count}."
        )
    return elements


def check_output_names(outputs: Sequence[RequestedOutput]) -> None:
    names = {one.name for one in OUTPUTS}
    for output in outputs:
        if output.name not in names:
            raise InferenceRequestError(
                f"There is no output '{output.name[:100]}'; the model has {list_names(OUTPUTS)}."
            )


def encode_response(
    request: InferenceRequest, answers: Sequence[DigitAnswer], model: str, version: str
) -> tuple[bytes, int | None]:
    """The body, and the length of its JSON if binary tensors follow it.

    The outputs that the request names, else all of them.
    """
    columns: dict[str, list[Any]] = {
        "digit": [-1 if one.digit is None else one.digit for one in answers],
        "verdict": [one.verdict for one in answers],
        "confidence": [one.confidence for one in answers],
        "probabilities": [value for one in answers for value in one.probabilities],
        "not_a_digit": [one.not_a_digit for one in answers],
    }
    requested = request.outputs or [RequestedOutput(one.name) for one in OUTPUTS]
    outputs: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for output in requested:
        kind = next(one for one in OUTPUTS if one.name == output.name)
        described = {
            "name": kind.name,
            "datatype": kind.datatype,
            "shape": [len(answers), *kind.shape[1:]],
        }
        is_binary = output.parameters.binary_data
        if request.parameters.binary_data_output if is_binary is None else is_binary:
            blobs.append(encode_elements(kind.datatype, columns[kind.name]))
            outputs.append(described | {"parameters": {"binary_data_size": len(blobs[-1])}})
        else:
            outputs.append(described | {"data": columns[kind.name]})
    document = {"model_name": model, "model_version": version, "outputs": outputs}
    if request.id:
        document["id"] = request.id
    encoded = msgspec.json.encode(document)
    return b"".join([encoded, *blobs]), len(encoded) if blobs else None
