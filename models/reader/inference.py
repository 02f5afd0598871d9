"""The bundled network for inference: the results of the Keras model of models.network, several times as fast.

After training, batch norm is a factor and an addend, which are folded into the weights before it. Convolutions run in
TensorFlow. Dense layers run in NumPy: for a single field, TensorFlow's overhead for them equals the time of all other
layers. No Keras model is built.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.quiet_tensorflow import import_tensorflow
from models.network import FIELD, MAPS
from models.types import Fields, Values

EPSILON = 1e-3  # of Keras' batch norm
MAX_BATCH = 64  # fields: larger batches are not faster, and their maps do not fit in the processor's cache
BLOCK = 64  # units of a dense layer, whose 0.8 MB of weights stay in a core's cache from one field to the next
WEIGHTS = 17  # arrays: two convolutions and a dense layer with five each, and the last dense layer with two
UNITS = (FIELD // 4) ** 2 * MAPS["conv2"]  # inputs of the first dense layer


class Inference:
    """A trained network. `weights` are those of `build_bundled_network`, in its order. Thread-safe."""

    def __init__(self, weights: Sequence[Values]) -> None:
        tf = import_tensorflow()

        if len(weights) != WEIGHTS:
            raise ValueError(f"{len(weights)} weights; the bundled network has {WEIGHTS}")
        filters = [fold_batch_norm(weights[0], weights[1:5]), fold_batch_norm(weights[5], weights[6:10])]
        dense1, self._bias1 = fold_batch_norm(weights[10], weights[11:15])
        dense2, self._bias2 = weights[15:]
        self._dense1, self._dense2 = np.ascontiguousarray(dense1.T), np.ascontiguousarray(dense2.T)

        def convolve(field: Any) -> Any:
            maps = field[None]
            for weight, bias in filters:  # TensorFlow fuses the three operations into one
                maps = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(maps, weight, 1, "SAME"), bias))
                maps = tf.nn.max_pool2d(maps, 2, 2, "VALID")
            return maps[0]

        def convolve_each(fields: Any) -> Any:
            # One convolution per field: on some processors the order of summation depends on the batch size.
            return tf.map_fn(convolve, fields, parallel_iterations=1)

        # Autograph has nothing to rewrite here, and would leave a file in the temporary folder.
        signature = [tf.TensorSpec((None, FIELD, FIELD, 1))]
        self._convolve = tf.function(convolve_each, input_signature=signature, autograph=False).get_concrete_function()

    def compute_logits(self, fields: Fields) -> Values:
        """Logits (n, 11) of fields. A field's logits are the same to the last bit in every batch."""
        return multiply_each(self._dense2, self.compute_features(fields)) + self._bias2

    def compute_features(self, fields: Fields) -> Values:
        """The values (n, 1024) of the first dense layer after its ReLU. The same to the last bit in every batch."""
        starts = range(0, len(fields), MAX_BATCH)
        parts = [self._compute_batch(fields[start : start + MAX_BATCH]) for start in starts]
        return np.concatenate(parts) if parts else np.zeros((0, len(self._bias1)), np.float32)

    def _compute_batch(self, fields: Fields) -> Values:
        import tensorflow as tf

        maps = self._convolve(tf.constant(fields[..., None], tf.float32))
        units = np.asarray(memoryview(maps)).reshape(-1, UNITS)
        hidden = multiply_each(self._dense1, units) + self._bias1
        return np.maximum(hidden, 0, out=hidden)


def multiply_each(weights: Values, vectors: Values) -> Values:
    """`vectors @ weights.T`, with each row independent of the other rows to the last bit.

    A single matrix product is faster for eight or more vectors, but its order of summation depends on their number,
    and a batch holds digits of several requests. The loop over blocks reads the large layer's 13 MB of weights from
    memory once per batch instead of once per field.
    """
    products = np.empty((len(vectors), len(weights)), np.float32)
    for start in range(0, len(weights), BLOCK):
        block = weights[start : start + BLOCK]
        for vector, product in zip(vectors, products, strict=True):
            np.dot(block, vector, out=product[start : start + BLOCK])
    return products


def fold_batch_norm(weights: Values, norm: Sequence[Values]) -> tuple[Values, Values]:
    """(weights, bias) of one layer that equals the layer with `weights` followed by batch norm.

    `norm` has scale, shift, mean and variance, in Keras' order. The last axis of `weights` is that of the outputs.
    """
    factor, bias = find_factor_and_bias(norm)
    return (weights * factor).astype(np.float32), bias.astype(np.float32)


def find_factor_and_bias(norm: Sequence[Values]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What batch norm multiplies each output by after training, and adds to it. `norm` as in `fold_batch_norm`."""
    scale, shift, mean, variance = (np.asarray(values, np.float64) for values in norm)
    factor = scale / np.sqrt(variance + EPSILON)
    return factor, shift - mean * factor
