"""The digit networks with Keras layers: the lecture's, and the one that is bundled.

Both read (n, 28, 28, 1) float32 in 0..1, ink 1 on 0, as MNIST prepares it, and give logits.
"""

from typing import Any

from models.training.distributed.cluster_spec import WHOLE, Share

FIELD = 28  # pixels a side
DIGITS = 10
RUBBISH = 10  # the bundled network's last output: "this is no digit"
LECTURE_PARAMETERS = 3_274_634
DROPOUT = 0.25  # the lecture's
MAPS = {"conv1": 32, "pool1": 32, "conv2": 64, "pool2": 64}
"""How many maps each stage of the bundled network gives that gives maps."""


def build_lecture_layers(seed: int = 0, share: Share = WHOLE) -> Any:
    """The lecture's network as a keras.Model: the weights have the order of `lecture.VARIABLES`."""
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
            build_dropout(DROPOUT, seed + 6, share),
            layers.Dense(DIGITS, kernel_initializer=kernel(7), bias_initializer=bias(8)),
        ],
        name="lecture",
    )


def build_bundled_network(seed: int = 0, outputs: int = DIGITS + 1, dropout: float = 0.5, share: Share = WHOLE) -> Any:
    """The lecture's shape with batch norm and an eleventh output for what is no digit.

    A trained rubbish output and not an energy threshold: letters and signs are strokes like digits, and the
    energy of a network that never saw them is as low on a lambda as on a 7 (Bromley & Denker 1993).
    """
    from keras import Sequential, initializers, layers

    def he(number: int) -> Any:
        return initializers.HeNormal(seed=seed + number)

    def normalize() -> Any:
        # Over the whole batch, wherever its parts are. In one process, too: "synchronized" takes the variance as
        # E[x²] - E[x]², and with another formula than several workers' one process would drift from them.
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
            build_dropout(dropout, seed + 3, share),
            layers.Dense(outputs, kernel_initializer=he(4)),
        ],
        name="bundled",
    )


def build_dropout(rate: float, seed: int, share: Share = WHOLE) -> Any:
    """keras.layers.Dropout; a worker that has a share of the batch draws the mask of the whole and takes its rows."""
    from keras import layers, ops, random

    class SharedDropout(layers.Dropout):  # type: ignore[misc]  # Keras has no types
        def call(self, inputs: Any, training: bool = False) -> Any:
            if not training:
                return inputs
            kept = ops.ones((share.count * ops.shape(inputs)[0], inputs.shape[1]))
            mask = random.dropout(kept, self.rate, seed=self.seed_generator)
            return inputs * mask[share.index :: share.count]

    plain = share.count == 1 or not rate  # Keras has no random state where nothing is dropped
    return (layers.Dropout if plain else SharedDropout)(rate, seed=seed)
