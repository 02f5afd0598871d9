"""The lecture's network without Keras layers: variables, convolution, bias, relu, pooling, matmul and dropout."""

from typing import Any

from models.network import DROPOUT, LECTURE_PARAMETERS
from models.sharding import WHOLE_BATCH, Shard

VARIABLES: dict[str, tuple[int, ...]] = {
    "conv1/kernel": (5, 5, 1, 32),
    "conv1/bias": (32,),
    "conv2/kernel": (5, 5, 32, 64),
    "conv2/bias": (64,),
    "dense1/kernel": (7 * 7 * 64, 1024),
    "dense1/bias": (1024,),
    "dense2/kernel": (1024, 10),
    "dense2/bias": (10,),
}
"""Names and shapes in the order of the layered network's weights, so that each network loads the other's."""


class LectureNetwork:
    """28x28x1 -> 5x5x32 -> pool -> 5x5x64 -> pool -> 1024 -> 10 logits, 3,274,634 parameters.

    As in the lecture, kernels start truncated normal and biases normal, both with standard deviation 1. The class has
    the methods of keras.Model that the training loop calls.
    """

    def __init__(self, seed: int = 0, shard: Shard = WHOLE_BATCH) -> None:
        import keras

        self.name, self.shard = "lecture", shard
        self.variables: list[Any] = []
        for number, (name, shape) in enumerate(VARIABLES.items()):
            initial = (
                keras.initializers.TruncatedNormal(stddev=1.0, seed=seed + number)
                if name.endswith("kernel")
                else keras.initializers.RandomNormal(stddev=1.0, seed=seed + number)
            )
            self.variables.append(keras.Variable(initial, shape=shape, name=name.replace("/", "_")))
        # Saved with the weights, so that a resumed run draws the same dropout masks as an uninterrupted one.
        self.dropout_seed = keras.Variable([seed, 0], dtype="int32", trainable=False, name="dropout_seed")
        self.trainable_variables = list(self.variables)
        self.variables.append(self.dropout_seed)
        if self.count_params() != LECTURE_PARAMETERS:
            raise AssertionError(f"{self.count_params()} parameters, not {LECTURE_PARAMETERS}")

    def __call__(self, images: Any, training: bool = False) -> Any:
        """Logits (n, 10) of images (n, 28, 28, 1) in 0..1."""
        import tensorflow as tf

        kernel1, bias1, kernel2, bias2, kernel3, bias3, kernel4, bias4 = (
            variable.value for variable in self.trainable_variables
        )
        maps = tf.nn.relu(tf.nn.conv2d(images, kernel1, strides=1, padding="SAME") + bias1)
        maps = tf.nn.max_pool2d(maps, ksize=2, strides=2, padding="SAME")  # (n, 14, 14, 32)
        maps = tf.nn.relu(tf.nn.conv2d(maps, kernel2, strides=1, padding="SAME") + bias2)
        maps = tf.nn.max_pool2d(maps, ksize=2, strides=2, padding="SAME")  # (n, 7, 7, 64)
        flat = tf.reshape(maps, (-1, 7 * 7 * 64))
        hidden = tf.nn.relu(tf.matmul(flat, kernel3) + bias3)
        if training:
            self.dropout_seed.assign_add([0, 1])
            hidden = self._drop(hidden)
        return tf.matmul(hidden, kernel4) + bias4

    def _drop(self, hidden: Any) -> Any:
        """Dropout; a shard draws the mask of the whole batch and applies its own rows."""
        import tensorflow as tf

        seed, shard = self.dropout_seed.value, self.shard
        if shard.count == 1:
            return tf.nn.experimental.stateless_dropout(hidden, DROPOUT, seed)
        whole = tf.ones((shard.count * tf.shape(hidden)[0], hidden.shape[1]), hidden.dtype)
        return hidden * tf.nn.experimental.stateless_dropout(whole, DROPOUT, seed)[shard.rows]

    def count_params(self) -> int:
        return sum(int(variable.value.shape.num_elements()) for variable in self.trainable_variables)

    def get_weights(self) -> list[Any]:
        return [variable.numpy() for variable in self.trainable_variables]

    def set_weights(self, weights: list[Any]) -> None:
        for variable, weight in zip(self.trainable_variables, weights, strict=True):
            variable.assign(weight)
