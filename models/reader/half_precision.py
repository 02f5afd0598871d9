"""The network of a reader as a file for browsers: kernels as float16, half the size of float32.

The format is safetensors (https://huggingface.co/docs/safetensors): the length of a JSON header in 8 bytes, the header,
and the tensors. A layer has a `kernel` (float16) as it was trained, and a `factor` and a `bias` (float32) for each
output: its values are `factor * correlate(kernel, input) + bias`. Batch norm is in `factor` and `bias`. It is not
multiplied into the kernel, because `models.train` saves kernels as float16: without the product, they are not rounded.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.reader.inference import find_factor_and_bias
from models.types import Values

ALIGNMENT = 8  # bytes
DTYPES = {"<f4": "F32", "<f2": "F16"}


def encode_half_precision(weights: Sequence[Values], card: dict[str, Any]) -> bytes:
    """The weights of `build_bundled_network`, in its order, as a safetensors file.

    Its metadata are strings: `version` and `weights_sha256` of the card, and the `temperature`, which divides the
    logits of the ten digits.
    """
    tensors: dict[str, Any] = {}
    for name, start in (("conv1", 0), ("conv2", 5), ("dense", 10)):
        factor, bias = find_factor_and_bias(weights[start + 1 : start + 5])
        tensors[f"{name}.kernel"] = weights[start].astype("<f2")
        tensors[f"{name}.factor"], tensors[f"{name}.bias"] = factor.astype("<f4"), bias.astype("<f4")
    tensors["output.kernel"], tensors["output.bias"] = weights[15].astype("<f2"), weights[16].astype("<f4")
    tensors["output.factor"] = np.ones(len(weights[16]), "<f4")
    metadata = {
        "version": str(card["version"]),
        "weights_sha256": str(card["weights_sha256"]),
        "temperature": repr(float(card["temperature"])),
    }
    return encode_safetensors(tensors, metadata)


def encode_safetensors(tensors: dict[str, Any], metadata: dict[str, str]) -> bytes:
    """Tensors of more bytes per number come first, so that each is aligned for typed arrays of a browser."""
    header: dict[str, Any] = {"__metadata__": metadata}
    start, parts = 0, []
    for name, values in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
        content = values.tobytes()
        header[name] = {
            "dtype": DTYPES[values.dtype.str],
            "shape": list(values.shape),
            "data_offsets": [start, start + len(content)],
        }
        start += len(content)
        parts.append(content)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])
