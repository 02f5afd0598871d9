"""The bundled network for answering: the numbers of the Keras model of models.network, several times as fast.

Batch norm is a factor and an addend once the network is trained, so it goes into the weights before it. Convolutions
run in TensorFlow. The dense layers run in NumPy, because TensorFlow takes as long for those of a single field as for
all the rest. No Keras model has to be built.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.network import DIGITS, FIELD, MAPS

Values = NDArray[np.float32]

EPSILON = 1e-3  # of Keras' batch norm
LARGEST_BATCH = 64  # fields: more are no faster, and their maps leave the processor's cache
BLOCK = 64  # units of a dense layer, whose 0.8 MB of weights stay in a core's cache from one field to the next
WEIGHTS = 17  # arrays: two convolutions and a dense layer of five each, the last one of two
UNITS = (FIELD // 4) ** 2 * MAPS["conv2"]  # that go into the dense layers


class Inference:
    """A trained network; one serves all threads. `weights` are those of `build_bundled_network`, in its order."""

    def __init__(self, weights: Sequence[Values]) -> None:
        import tensorflow as tf

        if len(weights) != WEIGHTS:
            raise ValueError(f"{len(weights)} weights; the bundled network has {WEIGHTS}")
        filters = [fold_norm(weights[0], weights[1:5]), fold_norm(weights[5], weights[6:10])]
        dense1, self._bias1 = fold_norm(weights[10], weights[11:15])
        dense2, self._bias2 = weights[15:]
        self._dense1, self._dense2 = np.ascontiguousarray(dense1.T), np.ascontiguousarray(dense2.T)

        def find_maps(field: Any) -> Any:
            maps = field[None]
            for weight, bias in filters:  # TensorFlow fuses the three operations into one
                maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(maps, weight, 1, "SAME"), bias))
                maps = tf.nn.max_pool2d(maps, 2, 2, "VALID")
            return maps[0]

        def find_maps_of_each(fields: Any) -> Any:
            # One convolution per field: on some processors the order of summation depends on the batch size.
            return tf.map_fn(find_maps, fields, parallel_iterations=1)

        # Autograph has nothing to rewrite here, and would leave a file in the temporary folder.
        signature = [tf.TensorSpec((None, FIELD, FIELD, 1))]
        self._find_maps = tf.function(
            find_maps_of_each, input_signature=signature, autograph=False
        ).get_concrete_function()

    def compute_logits(self, fields: Values) -> Values:
        """Logits (n, 11) of fields (n, 28, 28) in 0..1, ink 1."""
        starts = range(0, len(fields), LARGEST_BATCH)
        parts = [self._compute_batch(fields[start : start + LARGEST_BATCH]) for start in starts]
        return np.concatenate(parts) if parts else np.zeros((0, DIGITS + 1), np.float32)

    def _compute_batch(self, fields: Values) -> Values:
        import tensorflow as tf

        maps = self._find_maps(tf.constant(fields[..., None], tf.float32))
        units = np.asarray(memoryview(maps)).reshape(-1, UNITS)
        hidden = multiply_each(self._dense1, units) + self._bias1
        return multiply_each(self._dense2, np.maximum(hidden, 0, out=hidden)) + self._bias2


def multiply_each(weights: Values, vectors: Values) -> Values:
    """The rows of `vectors @ weights.T`, each the same to the last bit whatever stands beside it.

    One product for all is faster from eight on, but adds up in an order that hangs on their number, and digits of
    several requests are read together. The large layer's 13 MB of weights come from memory once, not once a field.
    """
    products = np.empty((len(vectors), len(weights)), np.float32)
    for start in range(0, len(weights), BLOCK):
        block = weights[start : start + BLOCK]
        for vector, product in zip(vectors, products, strict=True):
            np.dot(block, vector, out=product[start : start + BLOCK])
    return products


def fold_norm(weights: Values, norm: Sequence[Values]) -> tuple[Values, Values]:
    """(weights, bias) that give at once what `weights` and then batch norm give.

    `norm`: scale, shift, mean and variance, as Keras keeps them; the last axis is the outputs'.
    """
    scale, shift, mean, variance = (np.asarray(one, np.float64) for one in norm)
    factor = scale / np.sqrt(variance + EPSILON)
    return (weights * factor).astype(np.float32), (shift - mean * factor).astype(np.float32)
