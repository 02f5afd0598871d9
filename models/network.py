"""The digit networks built from Keras layers: the lecture's, and the bundled one.

Both map (n, 28, 28, 1) float32 in 0..1, ink 1 on 0 as in MNIST, to logits.
"""

from typing import Any

from models.sharding import WHOLE_BATCH, Shard

FIELD = 28  # pixels a side
DIGITS = 10
NOT_A_DIGIT = 10  # index of the bundled network's last output
LECTURE_PARAMETERS = 3_274_634
DROPOUT = 0.25  # in the lecture's networks
MAPS = {"conv1": 32, "pool1": 32, "conv2": 64, "pool2": 64}
"""Number of feature maps of each convolution and pooling stage of the bundled network."""


def build_lecture_layers(seed: int = 0, shard: Shard = WHOLE_BATCH) -> Any:
    """The lecture's network as a keras.Model, with its weights in the order of `lecture.VARIABLES`."""
    from keras import Sequential, initializers, layers

    def kernel(number: int) -> Any:
        return initializers.TruncatedNormal(stddev=1.0, seed=seed + number)

    def bias(number: int) -> Any:
        return initializers.RandomNormal(stddev=1.0, seed=seed + number)

    def convolve(channels: int, number: int) -> Any:
        return layers.Conv2D(
            channels, 5, padding="same", activation="relu",
            kernel_initializer=kernel(number), bias_initializer=bias(number + 1),
        )  # fmt: skip

    return Sequential(
        [
            layers.Input((FIELD, FIELD, 1)),
            convolve(32, 0),
            layers.MaxPooling2D(),  # (14, 14, 32)
            convolve(64, 2),
            layers.MaxPooling2D(),  # (7, 7, 64)
            layers.Flatten(),  # 3136
            layers.Dense(1024, activation="relu", kernel_initializer=kernel(4), bias_initializer=bias(5)),
            build_dropout(DROPOUT, seed + 6, shard),
            layers.Dense(DIGITS, kernel_initializer=kernel(7), bias_initializer=bias(8)),
        ],
        name="lecture",
    )


def build_bundled_network(
    seed: int = 0, outputs: int = DIGITS + 1, dropout: float = 0.5, shard: Shard = WHOLE_BATCH
) -> Any:
    """The lecture's architecture with batch norm and an eleventh output, "not a digit".

    The eleventh output is trained with negatives. An energy threshold on ten outputs does not replace it: letters and
    digits share strokes, and a network that never saw a lambda gives it the same energy as a 7 (Bromley & Denker 1993).
    """
    from keras import Sequential, initializers, layers

    def he(number: int) -> Any:
        return initializers.HeNormal(seed=seed + number)

    def normalize() -> Any:
        # Synchronized in a single process too: it computes the variance as E[x²] - E[x]², and one process with another
        # formula would drift away from several workers.
        return layers.BatchNormalization(momentum=0.95, synchronized=True)

    return Sequential(
        [
            layers.Input((FIELD, FIELD, 1)),
            layers.Conv2D(32, 5, padding="same", use_bias=False, kernel_initializer=he(0)),
            normalize(),
            layers.ReLU(),
            layers.MaxPooling2D(),  # (14, 14, 32)
            layers.Conv2D(64, 5, padding="same", use_bias=False, kernel_initializer=he(1)),
            normalize(),
            layers.ReLU(),
            layers.MaxPooling2D(),  # (7, 7, 64)
            layers.Flatten(),  # 3136
            layers.Dense(1024, use_bias=False, kernel_initializer=he(2)),
            normalize(),
            layers.ReLU(),
            build_dropout(dropout, seed + 3, shard),
            layers.Dense(outputs, kernel_initializer=he(4)),
        ],
        name="bundled",
    )


def build_dropout(rate: float, seed: int, shard: Shard = WHOLE_BATCH) -> Any:
    """keras.layers.Dropout. For a shard, the layer draws the mask of the whole batch and applies the shard's rows."""
    from keras import layers, ops, random

    class ShardedDropout(layers.Dropout):  # type: ignore[misc]  # Keras has no types
        def call(self, inputs: Any, training: bool = False) -> Any:
            if not training:
                return inputs
            kept = ops.ones((shard.count * ops.shape(inputs)[0], inputs.shape[1]))
            mask = random.dropout(kept, self.rate, seed=self.seed_generator)
            return inputs * mask[shard.rows]

    plain = shard.count == 1 or not rate  # with rate 0, Keras keeps no random state
    return (layers.Dropout if plain else ShardedDropout)(rate, seed=seed)
