"""The bundled digit network as an ONNX graph, built from its weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

EPSILON = 1e-3  # of Keras' batch norm
OPSET, IR_VERSION = 17, 8  # that every onnxruntime of the last years reads


def build_onnx_network(weights: Sequence[NDArray[Any]]) -> onnx.ModelProto:
    """From fields (n, 1, 28, 28) to logits (n, 11). `weights` are in the order of models.network's Keras model.

    Keras has channels last and ONNX first: the filters are turned, and the rows of the first dense layer put in the
    other order instead of the maps.
    """
    conv1, norm1, conv2, norm2 = weights[0], weights[1:5], weights[5], weights[6:10]
    dense1, norm3, dense2, bias = weights[10], weights[11:15], weights[15], weights[16]
    conv1, conv2 = conv1.transpose(3, 2, 0, 1), conv2.transpose(3, 2, 0, 1)
    dense1 = dense1.reshape(7, 7, 64, -1).transpose(2, 0, 1, 3).reshape(3136, -1)
    constants: dict[str, NDArray[Any]] = {"conv1": conv1, "conv2": conv2, "dense1": dense1, "dense2": dense2}
    constants["bias"] = bias
    for number, norm in enumerate((norm1, norm2, norm3), 1):
        for name, values in zip(("scale", "shift", "mean", "variance"), norm, strict=True):
            constants[f"{name}{number}"] = values

    def normalize(number: int, source: str) -> list[Any]:
        names = [f"{name}{number}" for name in ("scale", "shift", "mean", "variance")]
        norm = helper.make_node("BatchNormalization", [source, *names], [f"normal{number}"], epsilon=EPSILON)
        return [norm, helper.make_node("Relu", [f"normal{number}"], [f"relu{number}"])]

    def convolve(number: int, source: str) -> list[Any]:
        conv = helper.make_node("Conv", [source, f"conv{number}"], [f"maps{number}"], pads=[2, 2, 2, 2])
        pool = helper.make_node("MaxPool", [f"relu{number}"], [f"pool{number}"], kernel_shape=[2, 2], strides=[2, 2])
        return [conv, *normalize(number, f"maps{number}"), pool]

    nodes = [
        *convolve(1, "fields"),
        *convolve(2, "pool1"),
        helper.make_node("Flatten", ["pool2"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense1"], ["sums"]),
        *normalize(3, "sums"),
        helper.make_node("MatMul", ["relu3", "dense2"], ["products"]),
        helper.make_node("Add", ["products", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "bundled",
        [helper.make_tensor_value_info("fields", TensorProto.FLOAT, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 11])],
        [numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model
