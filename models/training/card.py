"""The card of a trained model: its origin, its accuracy, and the calibration of its confidence."""

import platform
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import (
    find_wilson_interval,
    fit_temperature,
    measure_calibration_error,
    score_not_a_digit,
    softmax,
)
from models.network import DIGITS
from models.training.augmentation import Augmentation, augment_fields
from models.training.config import TrainConfig
from models.training.loop import TrainingLoop
from models.training.mnist import LabelledImages, Mnist
from models.training.reporting import History
from models.types import ByteFields, Values, Weights

MODEL_VERSION = "1"
UNDOUBTED_SHARE = 0.97  # of the held-out digits whose "not a digit" score allows the verdict "digit"
ACCEPTED_SHARE = 0.985  # of the held-out digits that are not rejected
SURE_CONFIDENCE = 0.8  # below: "unsure"


def describe_model(
    config: TrainConfig, mnist: Mnist, loop: TrainingLoop, validation: LabelledImages, history: History
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
        "figures": {"test": describe_accuracy(correct), "curves": history},
        "seconds": round(sum(row["seconds"] for row in history)),
    }
    if len(validation.images):
        card |= calibrate(config, loop, weights, validation)
    return stored, card


def calibrate(
    config: TrainConfig, loop: TrainingLoop, weights: list[Values], validation: LabelledImages
) -> dict[str, Any]:
    """Temperature and thresholds, from held-out digits.

    The temperature is fitted to augmented digits, which vary as pens and cameras do. The thresholds come from the
    original digits, because preprocessing brings an image into their form.
    """
    generator = np.random.default_rng([config.seed, 13])
    augmented = augment_fields(validation.images, generator, Augmentation(degraded_share=0))[..., None]
    original = convert_to_input(validation.images)
    logits = loop.compute_logits(augmented if config.network == "bundled" else original, weights)
    digits = logits[:, :DIGITS]
    temperature = fit_temperature(digits, validation.labels)
    confidences = softmax(digits / temperature).max(axis=1)
    correct = digits.argmax(axis=1) == validation.labels
    calibrated: dict[str, Any] = {
        "temperature": temperature,
        "thresholds": {"sure_confidence": SURE_CONFIDENCE},
        "calibration": {
            "on": "validation digits with affine, elastic, stroke width, blur and contrast changes",
            "accuracy": describe_accuracy(correct),
            "expected_error": measure_calibration_error(confidences, correct),
        },
    }
    if logits.shape[1] > DIGITS:
        scores = score_not_a_digit(loop.compute_logits(original, weights))
        calibrated["thresholds"]["doubt_score"] = float(np.quantile(scores, UNDOUBTED_SHARE))
        calibrated["thresholds"]["rubbish_score"] = float(np.quantile(scores, ACCEPTED_SHARE))
    return calibrated


def describe_accuracy(correct: NDArray[np.bool_]) -> dict[str, Any]:
    low, high = find_wilson_interval(int(correct.sum()), len(correct))
    return {"accuracy": float(correct.mean()), "interval_95": [low, high], "count": len(correct)}


def convert_to_input(images: ByteFields) -> NDArray[np.float32]:
    """Network input (n, 28, 28, 1) in 0..1."""
    return images[..., None].astype(np.float32) / np.float32(255)
