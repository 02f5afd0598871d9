"""The card of a trained model: its origin and its accuracy. `models.calibrate` adds the calibration."""

import platform
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import find_wilson_interval
from models.network import DIGITS
from models.training.config import TrainConfig
from models.training.loop import TrainingLoop
from models.training.mnist import Mnist
from models.training.reporting import History
from models.types import ByteFields, Weights

MODEL_VERSION = "2"


def describe_model(
    config: TrainConfig, mnist: Mnist, loop: TrainingLoop, history: History
) -> tuple[Weights, dict[str, Any]]:
    """(weights to store, card) of a trained network. All numbers are measured on the stored weights."""
    import keras
    import tensorflow as tf

    dtype = np.float16 if config.network == "bundled" else np.float32  # half the size
    stored: Weights = [np.asarray(weight, dtype) for weight in loop.get_final_weights()]
    weights = [np.asarray(weight, np.float32) for weight in stored]
    logits = loop.compute_logits(convert_to_input(mnist.test.images), weights)
    correct = logits[:, :DIGITS].argmax(axis=1) == mnist.test.labels
    card: dict[str, Any] = {
        "name": "convserve digits",
        "version": MODEL_VERSION,
        "network": config.network,
        "config": asdict(config),
        "epochs_done": len(history),
        "parameters": sum(weight.size for weight in weights),
        "input": "28x28x1 float32 in 0..1, ink 1 on 0, 20-pixel box, centre of mass at pixel index 14",
        "outputs": int(weights[-1].shape[0]),
        "data_sha256": mnist.sha256,
        "data_is_mnist": mnist.is_genuine,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "figures": {"test": describe_accuracy(correct)},
        "seconds": round(sum(row["seconds"] for row in history)),
    }
    return stored, card


def describe_accuracy(correct: NDArray[np.bool_]) -> dict[str, Any]:
    low, high = find_wilson_interval(int(correct.sum()), len(correct))
    return {"accuracy": float(correct.mean()), "interval_95": [low, high], "count": len(correct)}


def convert_to_input(images: ByteFields) -> NDArray[np.float32]:
    """Network input (n, 28, 28, 1) in 0..1."""
    return images[..., None].astype(np.float32) / np.float32(255)
