"""Write a trained network for other runtimes: as ONNX, or as a TensorFlow SavedModel.

    input     `field` (n, 28, 28) float32, 0..1, ink 1 on 0
    outputs   `logits` (n, 10 or 11), `probabilities` (n, 10), calibrated; `not_a_digit` (n,), of the bundled network

Batch norm is folded into the layers before it. The preparation of an image is not part of the file: its metadata
describes it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.atomic_file import replace_file
from models.errors import ModelFolderError
from models.model_folder import read_model_folder
from models.network import DIGITS, FIELD
from models.reader.inference import WEIGHTS, fold_batch_norm
from models.types import Values

PREPARATION = (
    "Turn the image upright and convert it to grey. Divide by the background, so that paper is 0 and ink is 1. Crop "
    "the digit, scale its longer side to 20 pixels (area averaging), and place it in a 28x28 field of zeros with its "
    "centre of mass at pixel (14, 14), as in MNIST. MNIST images: divide by 255."
)
LECTURE_WEIGHTS = 8
"""Arrays: weights and biases of two convolutions and two dense layers."""
OPSET, IR_VERSION = 17, 8
"""Of ONNX 1.12, from 2022."""
METADATA_FILE = "assets.extra/convserve.json"
"""In a SavedModel. `assets.extra` is TensorFlow's folder for files that the graph does not use."""


@dataclass(frozen=True)
class Network:
    """A trained network of either architecture: two convolutions, each with ReLU and pooling, and two dense layers."""

    convolutions: Sequence[tuple[Values, Values]]
    """Filters [height, width, in, out] and biases."""
    dense: Sequence[tuple[Values, Values]]
    """Weights [in, out] and biases."""
    temperature: float
    """Divides the logits of the ten digits."""
    card: dict[str, Any]

    @property
    def outputs(self) -> int:
        return len(self.dense[-1][1])

    def describe(self) -> dict[str, str]:
        """The metadata of an exported file."""
        keys = ("name", "version", "network", "weights_sha256", "thresholds")
        return {
            "preparation": PREPARATION,
            "input": "field: (n, 28, 28) float32, 0 (paper) to 1 (ink)",
            "labels": ",".join(str(digit) for digit in range(DIGITS)),
            "temperature": repr(self.temperature),
            "model_card": json.dumps({key: self.card[key] for key in keys if key in self.card}),
        }


def load_network(folder: Path) -> Network:
    """Raises ModelFolderError."""
    weights, card = read_model_folder(folder)
    if len(weights) == WEIGHTS:
        layers = [fold_batch_norm(weights[start], weights[start + 1 : start + 5]) for start in (0, 5, 10)]
        layers.append((weights[15], weights[16]))
    elif len(weights) == LECTURE_WEIGHTS:
        layers = [(weights[start], weights[start + 1]) for start in (0, 2, 4, 6)]
    else:
        raise ModelFolderError(
            f"{folder} has {len(weights)} arrays of weights; a network of convserve has {WEIGHTS} or {LECTURE_WEIGHTS}."
        )
    return Network(layers[:2], layers[2:], float(card.get("temperature", 1.0)), card)


def export_saved_model(network: Network, folder: Path) -> None:
    """Write a SavedModel with the signature `serving_default`."""
    from kernels.quiet_tensorflow import import_tensorflow

    tf = import_tensorflow()

    class Exported(tf.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.convolutions = [(tf.Variable(weights), tf.Variable(bias)) for weights, bias in network.convolutions]
            self.dense = [(tf.Variable(weights), tf.Variable(bias)) for weights, bias in network.dense]

        @tf.function(input_signature=[tf.TensorSpec((None, FIELD, FIELD), tf.float32, "field")], autograph=False)  # type: ignore[untyped-decorator]
        def serve(self, field: Any) -> dict[str, Any]:
            values = field[..., None]
            for weights, bias in self.convolutions:
                values = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(values, weights, 1, "SAME"), bias))
                values = tf.nn.max_pool2d(values, 2, 2, "VALID")
            values = tf.reshape(values, (-1, self.dense[0][0].shape[0]))
            values = tf.nn.relu(values @ self.dense[0][0] + self.dense[0][1])
            logits = values @ self.dense[1][0] + self.dense[1][1]
            digits = logits[:, :DIGITS]
            results = {"logits": logits, "probabilities": tf.nn.softmax(digits / network.temperature)}
            if network.outputs > DIGITS:
                results["not_a_digit"] = tf.sigmoid(logits[:, DIGITS] - tf.reduce_logsumexp(digits, axis=1))
            return results

    module = Exported()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    metadata = folder / METADATA_FILE
    metadata.parent.mkdir(exist_ok=True)
    metadata.write_text(json.dumps(network.describe(), indent=1) + "\n")


def export_onnx(network: Network, path: Path) -> None:
    """Write an ONNX file (opset 17). Needs the package onnx."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    constants: list[Any] = []
    nodes: list[Any] = []

    def add_constant(name: str, values: Any) -> str:
        constants.append(numpy_helper.from_array(np.require(values, requirements="C"), name))
        return name

    def add(operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    values = add("Unsqueeze", ["field", add_constant("channel_axis", np.array([1]))], "planes")
    for number, (weights, bias) in enumerate(network.convolutions, 1):
        filters = add_constant(f"conv{number}_weights", weights.transpose(3, 2, 0, 1))  # ONNX: [out, in, height, width]
        half = weights.shape[0] // 2
        values = add(
            "Conv", [values, filters, add_constant(f"conv{number}_bias", bias)], f"conv{number}", pads=[half] * 4
        )
        values = add("Relu", [values], f"relu{number}")
        values = add("MaxPool", [values], f"pool{number}", kernel_shape=[2, 2], strides=[2, 2])
    values = add(
        "Transpose", [values], "maps_last", perm=[0, 2, 3, 1]
    )  # the dense layer's order: [height, width, maps]
    values = add("Flatten", [values], "units", axis=1)
    for number, (weights, bias) in enumerate(network.dense, 1):
        constant = add_constant(f"dense{number}_weights", weights)
        is_last = number == len(network.dense)
        values = add(
            "Gemm", [values, constant, add_constant(f"dense{number}_bias", bias)], "logits" if is_last else "dense1"
        )
        values = values if is_last else add("Relu", [values], "hidden")
    first, last, axis = (
        add_constant(name, np.array([value])) for name, value in (("first", 0), ("digits", DIGITS), ("axis", 1))
    )
    digits = add("Slice", [values, first, last, axis], "digit_logits")
    scaled = add("Div", [digits, add_constant("temperature", np.float32(network.temperature))], "scaled_logits")
    add("Softmax", [scaled], "probabilities", axis=1)
    outputs = [("logits", [network.outputs]), ("probabilities", [DIGITS])]
    if network.outputs > DIGITS:
        together = add("ReduceLogSumExp", [digits], "any_digit", axes=[1], keepdims=0)
        other = add(
            "Gather", [values, add_constant("not_a_digit_index", np.array(DIGITS))], "not_a_digit_logit", axis=1
        )
        add("Sigmoid", [add("Sub", [other, together], "not_a_digit_score")], "not_a_digit")
        outputs.append(("not_a_digit", []))
    described = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape]) for name, shape in outputs]
    field = helper.make_tensor_value_info("field", TensorProto.FLOAT, ["n", FIELD, FIELD])
    graph = helper.make_graph(nodes, "convserve_digits", [field], described, constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="convserve"
    )
    helper.set_model_props(model, network.describe())
    onnx.checker.check_model(model)
    with replace_file(path) as file:
        file.write(model.SerializeToString())
