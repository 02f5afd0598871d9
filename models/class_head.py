"""Classes of a user's own: a softmax layer on the 1,024 features of the bundled network, from a few examples of each.

The features are those of the first dense layer after its ReLU, divided by their Euclidean length, so that a thin pen
counts as much as a thick one. Training is deterministic: it starts from zeros and uses all examples in every step.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.calibration import softmax
from models.errors import ClassFileError

FORMAT = 1
FEATURES = 1024
MIN_CLASSES, MAX_CLASSES = 2, 10
MAX_LABEL_LENGTH = 40
DECAY = 1e-3
"""Weight of the squared weights in the loss."""
STEPS = 200
LEAST_LENGTH = 1e-6
"""Of a feature vector that is divided by its length."""

Features = NDArray[np.float32]
"""(n, 1024), of the network: 0 or more."""
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LABEL_LENGTH)]
Finite = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]


class ModelReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The digit model whose features a head was trained on."""

    version: str
    weights_sha256: str


class ClassFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a class file."""

    format: int
    model: ModelReference
    labels: Annotated[list[Label], msgspec.Meta(min_length=MIN_CLASSES, max_length=MAX_CLASSES)]
    weights: list[Annotated[list[Finite], msgspec.Meta(min_length=FEATURES, max_length=FEATURES)]]
    """One row per label."""
    bias: list[Finite]


@dataclass(frozen=True, eq=False)
class ClassHead:
    """A trained softmax layer. `weights` (classes, 1024) and `bias` (classes,) are for features of length 1."""

    labels: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    model: ModelReference

    def classify(self, features: Features) -> NDArray[np.float64]:
        """Probabilities (n, classes)."""
        return softmax(normalize_features(features) @ self.weights.T + self.bias)

    def check_model(self, card: dict[str, Any]) -> None:
        """Raise ClassFileError unless the head was trained on the features of the model of this card."""
        for name in ("version", "weights_sha256"):
            wanted, found = getattr(self.model, name), str(card[name])
            if wanted != found:
                raise ClassFileError(
                    f"The classes were trained with the digit model of {name} {wanted[:64]!r}; this service has "
                    f"{found!r}. Train them again with this model."
                )


def normalize_features(features: Features) -> NDArray[np.float64]:
    """Divide each vector by its Euclidean length."""
    values = np.asarray(features, np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.maximum(lengths, LEAST_LENGTH)


def train_head(features: Features, classes: Sequence[int], labels: Sequence[str], model: ModelReference) -> ClassHead:
    """Train a head on features (n, 1024) of examples and the number of the class of each.

    Softmax regression with weight decay, by gradient descent with Nesterov's momentum (1983) on the shares of the
    examples in the weights: the weights are always sums of examples, so each step costs n² instead of 1,024 n.
    """
    examples = normalize_features(features)
    shares, bias = descend(examples @ examples.T, np.asarray(classes), len(labels))
    return ClassHead(tuple(labels), shares.T @ examples, bias, model)


def descend(
    products: NDArray[np.float64], classes: NDArray[np.integer], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The shares (n, count) of the examples in the weights, and the bias (count,).

    `products` (n, n) are the scalar products of the examples, which have length 1. The loss is the mean cross-entropy
    plus DECAY / 2 times the squared weights. Its curvature is at most 1 + DECAY (the Hessian of softmax is at most
    1/2, and an example with its bias has squared length 2), which gives the step.
    """
    wanted = np.eye(count)[classes]
    step = 1 / (1 + DECAY)
    shares, bias = np.zeros((len(classes), count)), np.zeros(count)
    ahead_shares, ahead_bias = shares, bias
    for number in range(STEPS):
        errors = (softmax(products @ ahead_shares + ahead_bias) - wanted) / len(classes)
        new_shares = ahead_shares - step * (errors + DECAY * ahead_shares)
        new_bias = ahead_bias - step * errors.sum(axis=0)
        momentum = number / (number + 3)
        ahead_shares = new_shares + momentum * (new_shares - shares)
        ahead_bias = new_bias + momentum * (new_bias - bias)
        shares, bias = new_shares, new_bias
    return shares, bias


def find_leave_one_out_errors(features: Features, classes: Sequence[int], count: int) -> list[int]:
    """The examples that a head trained on all other examples puts into another class."""
    examples, numbers = normalize_features(features), np.asarray(classes)
    products = examples @ examples.T
    wrong = []
    for left_out in range(len(numbers)):
        kept = np.arange(len(numbers)) != left_out
        shares, bias = descend(products[np.ix_(kept, kept)], numbers[kept], count)
        if int((products[left_out, kept] @ shares + bias).argmax()) != numbers[left_out]:
            wrong.append(left_out)
    return wrong


def decode_class_file(content: bytes) -> ClassHead:
    """Raises ClassFileError."""
    try:
        file = msgspec.json.decode(content, type=ClassFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClassFileError(f"The class file is not valid: {error}.") from None
    if file.format != FORMAT:
        raise ClassFileError(f"The class file has format {file.format}; this version reads format {FORMAT}.")
    if len(set(file.labels)) < len(file.labels):
        repeated = next(label for label in file.labels if file.labels.count(label) > 1)
        raise ClassFileError(f"The class file has the label {repeated!r} twice.")
    if not len(file.labels) == len(file.weights) == len(file.bias):
        raise ClassFileError(
            f"The class file has {len(file.labels)} labels, {len(file.weights)} rows of weights and {len(file.bias)} "
            "biases; the numbers must be equal."
        )
    return ClassHead(tuple(file.labels), np.array(file.weights), np.array(file.bias), file.model)


def encode_class_file(head: ClassHead) -> bytes:
    """JSON with the weights to six decimals, which changes no probability by more than 1e-4."""
    document = {
        "format": FORMAT,
        "model": msgspec.to_builtins(head.model),
        "labels": list(head.labels),
        "weights": np.round(head.weights, 6).tolist(),
        "bias": np.round(head.bias, 6).tolist(),
    }
    return json.dumps(document).encode()
