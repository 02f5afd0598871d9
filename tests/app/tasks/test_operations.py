"""Steps as text, for workers."""

import numpy as np

from app.tasks.operations import decode_operations, encode_operations
from kernels.catalogue import Catalogue
from kernels.chain import resolve_chain
from kernels.layers.layer import Convolution
from kernels.layers.step import LayerStep
from kernels.settings import Operation


def test_layers_survive_the_way_to_a_worker() -> None:
    weights = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).tolist()
    operations = [
        Operation.model_validate({"kernel": "conv", "weights": weights, "layout": "hwio", "bias": [1, "2%", 3, 4, 5]}),
        Operation.model_validate({"kernel": "min-pool", "size": [2, 3], "border": "valid"}),
        Operation(kernel="hue", angle=20),
    ]
    sent = resolve_chain(operations, Catalogue())
    received = decode_operations(encode_operations(sent), Catalogue())
    for one, other in zip(sent, received, strict=True):
        assert isinstance(one, LayerStep)
        assert isinstance(other, LayerStep)
        assert (one.name, one.border, one.stride) == (other.name, other.border, other.stride)
        if isinstance(one.layer, Convolution):
            assert isinstance(other.layer, Convolution)
            np.testing.assert_array_equal(one.layer.weights, other.layer.weights)
            assert one.layer.bias == other.layer.bias
            assert one.layer.bias == ((1, "2%", 3, 4, 5) if one.name == "conv" else (0,))
