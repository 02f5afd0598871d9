"""Train a digit network: `python -m models.train --network bundled --data DIR --out DIR`.

Started again with the same arguments it goes on from the last finished epoch, with the same result as a run
that was not cut off. The last epoch is what is kept: nothing is chosen on the test images. Several workers, by
TF_CONFIG or `--workers`, train on parts of the same batches; only worker 0, the chief, measures and writes.
"""

import argparse
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import find_wilson_interval, fit_temperature, measure_calibration_error, score_rubbish, softmax
from models.errors import CheckpointError, ClusterError, DataError, ModelError
from models.model_folder import save_model_folder
from models.network import DIGITS, build_bundled_network, build_lecture_layers
from models.training.augmentation import Augmentation, augment_fields
from models.training.data import TrainingSet, draw_digit_pool, draw_rubbish_pool, split_validation
from models.training.distributed.cluster_spec import (
    ALONE,
    TF_CONFIG,
    Cluster,
    Share,
    check_batch,
    form_cluster,
    read_tf_config,
)
from models.training.distributed.launcher import run_local_workers
from models.training.distributed.rendezvous import Lifeline, meet
from models.training.loop import TrainingLoop, connect_workers, read_checkpoint, tell_lost_worker
from models.training.mnist import LabelledImages, Mnist, load_mnist
from models.training.reporting import History, ProgressBar, SummaryWriter, save_curves, tile_images

PROGRAM = "python -m models.train"
NETWORKS = ("lecture", "layers", "bundled")
MODEL_VERSION = "1"
REAL_UNDOUBTED = 0.97  # of held-out digits that are far enough from rubbish for the verdict "digit"
REAL_ACCEPTED = 0.985  # of them that are not refused
SURE_CONFIDENCE = 0.8  # below it the answer is "unsure"
WARM_UP_SHARE = 0.05  # of all steps
WAIT_SECONDS = 120  # for the other workers
POOL_EPOCHS = 3  # drawn fields are made for this many epochs' worth and then chosen from


@dataclass(frozen=True)
class TrainConfig:
    network: str = "bundled"
    epochs: int = 26
    batch: int = 128
    seed: int = 1
    learning_rate: float = 1.5e-3  # the peak; the lecture's networks keep 1e-3 throughout
    weight_decay: float = 0.02
    dropout: float = 0.5
    validation: int = 5_000  # of the training images, kept out of training
    drawn: int = 16_000  # synthetic digits an epoch
    rubbish: int = 28_000  # non-digits an epoch
    real: int | None = None  # take only the first so many training images (tests)


DEFAULTS = TrainConfig()


def train_network(
    config: TrainConfig, mnist: Mnist, out: Path, stop_after: int | None = None, finish: bool = False,
    cluster: Cluster = ALONE, wait_seconds: float = WAIT_SECONDS,
) -> dict[str, Any]:  # fmt: skip
    """Train, resume where a checkpoint is, and write the model folder; returns its card, on the chief.

    `stop_after` ends the run after so many epochs as a kill would, without a model folder. `finish` trains no
    further: the folder is made from the last finished epoch. The workers of a `cluster` wait for each other for
    `wait_seconds`; the checkpoint is the chief's.
    """
    check_batch(config.batch, len(cluster.workers))
    if len(mnist.train.images) <= config.validation:
        raise DataError(
            f"there are {len(mnist.train.images)} training images; {config.validation} are kept out for calibration, "
            "so more are needed"
        )
    if cluster.is_chief:
        out.mkdir(parents=True, exist_ok=True)
    options = {**asdict(config), "stop_after": stop_after, "finish": finish, "data": mnist.sha256}
    lifeline, checkpoint = meet(cluster, options, read_checkpoint(out), wait_seconds)
    lifeline.watch()
    with tell_lost_worker(lifeline):
        card = _train(config, mnist, out, stop_after, finish, lifeline, checkpoint, wait_seconds)
    lifeline.part()
    return card


def _train(
    config: TrainConfig, mnist: Mnist, out: Path, stop_after: int | None, finish: bool,
    lifeline: Lifeline, checkpoint: bytes, wait_seconds: float,
) -> dict[str, Any]:  # fmt: skip
    import keras
    import tensorflow as tf

    cluster = lifeline.cluster
    with lifeline.limit(wait_seconds, "connection between the workers; let them all reach each other's ports"):
        strategy = connect_workers(cluster)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    training, validation = split_validation(_take(mnist.train, config.real), config.validation)
    batches = _gather_batches(config, training)
    with strategy.scope():
        loop = _build_loop(config, batches.count_batches(config.batch), cluster.share)
    history = loop.load_checkpoint(checkpoint, asdict(config)) if checkpoint else []
    summaries = SummaryWriter(out / "summaries") if cluster.is_chief else None
    for epoch in [] if finish and history else range(len(history), config.epochs):
        if epoch == stop_after:
            return {}
        row = _train_epoch(config, loop, batches, epoch, cluster.share)
        if summaries is None:
            continue
        row |= _evaluate(loop, "validation", validation) | _evaluate(loop, "test", mnist.test)
        history.append(row)
        loop.save_checkpoint(out, asdict(config), history)
        summaries.write_scalars(epoch + 1, row)
        _write_images(summaries, loop, training, epoch + 1)
        save_curves(history, out)
    if not cluster.is_chief:
        return {}
    card = _write_card(config, mnist, out, loop, validation, history)
    print(f"{out}: test accuracy {card['figures']['test']['accuracy']:.4f}", flush=True)
    return card


def _gather_batches(config: TrainConfig, training: LabelledImages) -> TrainingSet:
    if config.network != "bundled":
        return TrainingSet(training)
    return TrainingSet(
        real=training,
        drawn=draw_digit_pool(POOL_EPOCHS * config.drawn, config.seed) if config.drawn else None,
        rubbish=draw_rubbish_pool(POOL_EPOCHS * config.rubbish, training, config.seed) if config.rubbish else None,
        drawn_an_epoch=config.drawn,
        rubbish_an_epoch=config.rubbish,
        augmented=True,
    )


def _build_loop(config: TrainConfig, steps_an_epoch: int, share: Share) -> TrainingLoop:
    import keras

    from models.lecture import LectureNetwork

    if config.network == "lecture":
        return TrainingLoop(LectureNetwork(config.seed, share), keras.optimizers.Adam(1e-3), averaged=False)
    if config.network == "layers":
        return TrainingLoop(build_lecture_layers(config.seed, share), keras.optimizers.Adam(1e-3), averaged=False)
    steps = steps_an_epoch * config.epochs
    warm_up = max(1, int(WARM_UP_SHARE * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=config.learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)
    network = build_bundled_network(config.seed, dropout=config.dropout, share=share)
    return TrainingLoop(network, optimizer, averaged=True)


def _train_epoch(
    config: TrainConfig, loop: TrainingLoop, batches: TrainingSet, epoch: int, share: Share
) -> dict[str, float]:
    steps = batches.count_batches(config.batch)
    bar = ProgressBar(f"epoch {epoch + 1}/{config.epochs}", steps, shown=share.index == 0)
    started, loss, right = time.monotonic(), 0.0, 0
    for step, (images, labels) in enumerate(batches.iterate_epoch(config.seed, epoch, config.batch, share), 1):
        batch_loss, batch_right = loop.train_step(images, labels)
        loss, right = loss + batch_loss, right + batch_right
        seen = step * config.batch
        bar.show(step, loss / seen, right / seen)
    seen = steps * config.batch
    bar.finish(f"loss {loss / seen:.4f} accuracy {right / seen:.4f}")
    return {
        "train_loss": loss / seen,
        "train_accuracy": right / seen,
        "epoch": epoch + 1,
        "seconds": round(time.monotonic() - started, 1),
    }


def _evaluate(loop: TrainingLoop, name: str, images: LabelledImages) -> dict[str, float]:
    if not len(images.images):
        return {}
    logits = loop.compute_logits(_as_input(images.images))
    chosen = softmax(logits)[np.arange(len(logits)), images.labels]
    return {
        f"{name}_loss": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
        f"{name}_accuracy": float((logits[:, :DIGITS].argmax(axis=1) == images.labels).mean()),
    }


def _write_card(
    config: TrainConfig, mnist: Mnist, out: Path, loop: TrainingLoop, validation: LabelledImages, history: History
) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    # Half the size; what is measured below is measured on the rounded weights.
    weights = [np.asarray(weight, np.float16) for weight in loop.get_final_weights()]
    if config.network != "bundled":
        weights = [np.asarray(weight, np.float32) for weight in loop.get_final_weights()]
    used = [np.asarray(weight, np.float32) for weight in weights]
    right = loop.compute_logits(_as_input(mnist.test.images), used)[:, :DIGITS].argmax(axis=1) == mnist.test.labels
    card: dict[str, Any] = {
        "name": "convserve digits",
        "version": MODEL_VERSION,
        "network": config.network,
        "config": asdict(config),
        "epochs_done": len(history),
        "parameters": sum(weight.size for weight in used),
        "input": "28x28x1 float32 in 0..1, ink 1 on 0, 20-pixel box, centre of mass at pixel index 14",
        "outputs": int(used[-1].shape[0]),
        "data_sha256": mnist.sha256,
        "data_is_mnist": mnist.is_genuine,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "figures": {"test": _describe_share(right), "curves": history},
        "seconds": round(sum(row["seconds"] for row in history)),
    }
    if len(validation.images):
        card |= calibrate(config, loop, used, validation)
    save_model_folder(out, list(weights), card)
    return card


def calibrate(
    config: TrainConfig, loop: TrainingLoop, weights: list[NDArray[np.float32]], validation: LabelledImages
) -> dict[str, Any]:
    """Temperature and thresholds from digits kept out of training.

    The temperature from digits changed as pens and cameras do; the thresholds from digits as they are, which is
    what an image has become once it is prepared.
    """
    generator = np.random.default_rng([config.seed, 13])
    changed = augment_fields(validation.images, generator, Augmentation(soiled_share=0))[..., None]
    logits = loop.compute_logits(changed if config.network == "bundled" else _as_input(validation.images), weights)
    digits = logits[:, :DIGITS]
    temperature = fit_temperature(digits, validation.labels)
    confidences = softmax(digits / temperature).max(axis=1)
    right = digits.argmax(axis=1) == validation.labels
    calibrated: dict[str, Any] = {
        "temperature": temperature,
        "thresholds": {"sure_confidence": SURE_CONFIDENCE},
        "calibration": {
            "on": "validation digits with affine, elastic, stroke width, blur and contrast changes",
            "accuracy": _describe_share(right),
            "expected_error": measure_calibration_error(confidences, right),
        },
    }
    if logits.shape[1] > DIGITS:
        scores = score_rubbish(loop.compute_logits(_as_input(validation.images), weights))
        calibrated["thresholds"]["doubt_score"] = float(np.quantile(scores, REAL_UNDOUBTED))
        calibrated["thresholds"]["rubbish_score"] = float(np.quantile(scores, REAL_ACCEPTED))
    return calibrated


def _describe_share(right: NDArray[np.bool_]) -> dict[str, Any]:
    low, high = find_wilson_interval(int(right.sum()), len(right))
    return {"accuracy": float(right.mean()), "interval_95": [low, high], "count": len(right)}


def _write_images(summaries: SummaryWriter, loop: TrainingLoop, training: LabelledImages, epoch: int) -> None:
    """The first layer's kernels and what they see in the first training image."""
    import tensorflow as tf

    kernels = loop.get_final_weights()[0]
    summaries.write_image(epoch, "kernels", tile_images(kernels[:, :, 0].transpose(2, 0, 1), 8))
    maps = tf.nn.conv2d(_as_input(training.images[:1]), kernels, 1, "SAME").numpy()[0]
    summaries.write_image(epoch, "feature maps", tile_images(maps.transpose(2, 0, 1), 3))


def _as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images[..., None].astype(np.float32) / np.float32(255)


def _take(images: LabelledImages, count: int | None) -> LabelledImages:
    return images if count is None else LabelledImages(images.images[:count], images.labels[:count])


@dataclass(frozen=True)
class Run:
    """What the command line asks for. `local_workers`: start so many of them here instead of training."""

    config: TrainConfig
    data: Path | None
    out: Path
    finish: bool = False
    cluster: Cluster = ALONE
    wait_seconds: float = WAIT_SECONDS
    local_workers: int | None = None


def parse_arguments(arguments: list[str], defaults: TrainConfig = DEFAULTS, prog: str = PROGRAM) -> Run:
    """Raises ClusterError when TF_CONFIG or the workers are wrong."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Train a digit network: the lecture's by hand, the same with layers, or the one that is bundled.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--network", choices=NETWORKS, default="bundled", help="which one")
    parser.add_argument("--data", type=Path, help="folder of IDX files, gzipped or not; without it MNIST is downloaded")
    parser.add_argument("--out", type=Path, required=True, help="model folder; a run that was cut off goes on")
    parser.add_argument("--epochs", type=int, default=defaults.epochs, help="times through the training images")
    parser.add_argument("--batch", type=int, default=defaults.batch, help="images in a step, of all workers together")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="of everything that is drawn at random")
    parser.add_argument("--finish", action="store_true", help="make the model folder from the last finished epoch")
    parser.add_argument(
        "--workers",
        help="host:port,host:port of all workers, the chief first, as TF_CONFIG would give them; "
        "or a number: so many on this machine",
    )
    parser.add_argument("--index", type=int, help="which of --workers this is, from 0")
    parser.add_argument("--wait", type=float, default=WAIT_SECONDS, help="seconds to wait for the other workers")
    given = parser.parse_args(arguments)
    config = replace(defaults, network=given.network, epochs=given.epochs, batch=given.batch, seed=given.seed)
    if config.network != "bundled":
        # The lecture trains on all 60,000 and has no rubbish, so there is nothing to calibrate.
        config = replace(config, validation=0, drawn=0, rubbish=0)
    run = Run(config, given.data, given.out, given.finish, wait_seconds=given.wait)
    return _add_workers(run, given.workers, given.index)


def _add_workers(run: Run, workers: str | None, index: int | None) -> Run:
    tf_config = os.environ.get(TF_CONFIG, "")
    if workers is None:
        if index is not None:
            raise ClusterError("--index is for --workers host:port,host:port; give both or neither")
        return replace(run, cluster=read_tf_config(tf_config))
    if tf_config:
        raise ClusterError("there are workers in TF_CONFIG and in --workers; give them in one place")
    if workers.isdigit():
        if int(workers) < 1 or index is not None:
            raise ClusterError(f"--workers {workers} starts so many here: give 1 or more, and no --index")
        return replace(run, local_workers=int(workers))
    if index is None:
        raise ClusterError(f"which of --workers {workers} this is: give --index, 0 for the first")
    return replace(run, cluster=form_cluster(workers.split(","), index, "--workers"))


def main(arguments: list[str], defaults: TrainConfig = DEFAULTS, prog: str = PROGRAM) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        run = parse_arguments(arguments, defaults, prog)
        if run.local_workers is not None:
            check_batch(run.config.batch, run.local_workers)
            raise SystemExit(run_local_workers(run.local_workers, arguments))
        check_batch(run.config.batch, len(run.cluster.workers))
        train_network(
            run.config, load_mnist(run.data), run.out,
            finish=run.finish, cluster=run.cluster, wait_seconds=run.wait_seconds,
        )  # fmt: skip
    except CheckpointError as error:
        raise SystemExit(f"{error}: give the options it was begun with, or another --out") from None
    except ModelError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
