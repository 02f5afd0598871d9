"""A training run: connect the workers, resume, train and evaluate the epochs, write the model folder."""

import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kernels.quiet_tensorflow import import_tensorflow
from models.calibration import softmax
from models.errors import DataError, ModelFolderError
from models.model_folder import read_model_folder, save_model_folder
from models.network import DIGITS, build_bundled_network, build_lecture_layers
from models.sharding import Shard
from models.training.card import convert_to_input, describe_model
from models.training.config import START_LEARNING_RATE, WAIT_SECONDS, TrainConfig
from models.training.data import TrainingSet, draw_digit_pool, draw_negative_pool, split_validation
from models.training.distributed.cluster_spec import SINGLE_WORKER, Cluster, check_batch
from models.training.distributed.rendezvous import WorkerConnections, connect
from models.training.distributed.strategy import create_strategy, report_lost_worker
from models.training.loop import TrainingLoop, read_checkpoint
from models.training.mnist import LabelledImages, Mnist
from models.training.reporting import History, SummaryWriter, create_progress, save_curves, tile_images
from models.types import Weights

LECTURE_LEARNING_RATE = 1e-3
WARM_UP_SHARE = 0.05  # of all steps
POOL_EPOCHS = 3  # the pools hold enough synthetic digits and negatives for this many epochs


@dataclass(frozen=True)
class Start:
    """The trained model that a run starts from."""

    weights: Weights
    curves: History


def train_network(
    config: TrainConfig, mnist: Mnist, out: Path, stop_after: int | None = None, finish: bool = False,
    cluster: Cluster = SINGLE_WORKER, wait_seconds: float = WAIT_SECONDS, start: Start | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train a network, or resume after the last epoch of the checkpoint in `out`, and write the model folder.

    Returns the model's card, on the chief; the other workers return an empty dict. `stop_after` ends the run after
    that many epochs without a model folder, as a kill would. `finish` writes the model folder from the checkpoint
    without further training. The workers of a `cluster` wait for each other for at most `wait_seconds`. `start` is the
    model that the run starts from; `config.start` is the hash of its weights.

    Raises ModelError: DataError, CheckpointError, ClusterError or WorkerError.
    """
    check_batch(config.batch, len(cluster.workers))
    if len(mnist.train.images) <= config.validation:
        raise DataError(
            f"the data have {len(mnist.train.images)} training images, but {config.validation} are held out for "
            f"calibration: give more than {config.validation}"
        )
    if cluster.is_chief:
        out.mkdir(parents=True, exist_ok=True)
    options = {**asdict(config), "stop_after": stop_after, "finish": finish, "data": mnist.sha256}
    connections, checkpoint = connect(cluster, options, read_checkpoint(out), wait_seconds)
    connections.watch()
    with report_lost_worker(connections):
        card = train_epochs(config, mnist, out, stop_after, finish, connections, checkpoint, wait_seconds, start)
    connections.release()
    return card


def load_start(config: TrainConfig, folder: Path | None) -> tuple[TrainConfig, Start | None]:
    """(configuration, start) of a run that starts from the model in a folder. Raises ModelFolderError."""
    if folder is None:
        return config, None
    weights, card = read_model_folder(folder)
    if (config.network, card.get("network")) != ("bundled", "bundled"):
        raise ModelFolderError(
            f"--start {folder} has the network {card.get('network')!r}, --network is {config.network!r}: both must be "
            "'bundled'"
        )
    config = replace(config, start=card["weights_sha256"], learning_rate=START_LEARNING_RATE)
    curves: History = card.get("figures", {}).get("curves", [])
    return config, Start([np.asarray(weight, np.float32) for weight in weights], curves)


def train_epochs(
    config: TrainConfig, mnist: Mnist, out: Path, stop_after: int | None, finish: bool,
    connections: WorkerConnections, checkpoint: bytes, wait_seconds: float, start: Start | None,
) -> dict[str, Any]:  # fmt: skip
    tf = import_tensorflow()
    import keras

    cluster = connections.cluster
    with connections.limit(wait_seconds, "connection between the workers; they must reach each other's ports"):
        strategy = create_strategy(cluster)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)
    training, validation = split_validation(take_first(mnist.train, config.real), config.validation)
    batches = build_training_set(config, training)
    with strategy.scope():
        loop = build_loop(config, batches.count_batches(config.batch), cluster.shard)
    if start is not None:
        loop.start_from(start.weights)
    history = loop.load_checkpoint(checkpoint, asdict(config)) if checkpoint else []
    summaries = SummaryWriter(out / "summaries") if cluster.is_chief else None
    for epoch in [] if finish and history else range(len(history), config.epochs):
        if epoch == stop_after:
            return {}
        row = train_epoch(config, loop, batches, epoch, cluster.shard)
        if summaries is None:
            continue
        row |= evaluate(loop, "validation", validation) | evaluate(loop, "test", mnist.test)
        history.append(row)
        loop.save_checkpoint(out, asdict(config), history)
        summaries.write_scalars(epoch + 1, row)
        write_first_layer(summaries, loop, training, epoch + 1)
        save_curves(continue_curves(start, history), out)
    if not cluster.is_chief:
        return {}
    weights, card = describe_model(config, mnist, loop, history)
    card["figures"]["curves"] = continue_curves(start, history)
    save_model_folder(out, weights, card)
    print(f"{out}: test accuracy {card['figures']['test']['accuracy']:.4f}", flush=True)
    return card


def continue_curves(start: Start | None, history: History) -> History:
    """The rows of all epochs, with those of the model that the run started from."""
    earlier = start.curves if start else []
    return [*earlier, *({**row, "epoch": len(earlier) + row["epoch"]} for row in history)]


def build_training_set(config: TrainConfig, training: LabelledImages) -> TrainingSet:
    """For the lecture's networks the images alone; for the bundled one also synthetic digits and negatives."""
    if config.network != "bundled":
        return TrainingSet(training)
    return TrainingSet(
        real=training,
        synthetic=draw_digit_pool(POOL_EPOCHS * config.drawn, config.seed) if config.drawn else None,
        negatives=draw_negative_pool(POOL_EPOCHS * config.rubbish, training, config.seed) if config.rubbish else None,
        synthetic_per_epoch=config.drawn,
        negatives_per_epoch=config.rubbish,
        augmented=True,
    )


def build_loop(config: TrainConfig, steps_per_epoch: int, shard: Shard) -> TrainingLoop:
    """The network with its optimizer: Adam for the lecture's, AdamW with warm-up and cosine decay for the bundled."""
    import keras

    from models.lecture import LectureNetwork

    if config.network != "bundled":
        build = LectureNetwork if config.network == "lecture" else build_lecture_layers
        return TrainingLoop(build(config.seed, shard), keras.optimizers.Adam(LECTURE_LEARNING_RATE), averaged=False)
    steps = steps_per_epoch * config.epochs
    warm_up = max(1, int(WARM_UP_SHARE * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=config.learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)
    network = build_bundled_network(config.seed, dropout=config.dropout, shard=shard)
    return TrainingLoop(network, optimizer, averaged=True)


def train_epoch(
    config: TrainConfig, loop: TrainingLoop, batches: TrainingSet, epoch: int, shard: Shard
) -> dict[str, float]:
    """Train one epoch; the chief shows its progress. Returns the epoch's row of the history."""
    steps = batches.count_batches(config.batch)
    title = f"epoch {epoch + 1}/{config.epochs}"
    started, loss, correct = time.monotonic(), 0.0, 0
    with create_progress(shown=shard.index == 0) as progress:
        task = progress.add_task(title, total=steps, figures="")
        for step, (images, labels) in enumerate(batches.iterate_epoch(config.seed, epoch, config.batch, shard), 1):
            batch_loss, batch_correct = loop.train_step(images, labels)
            loss, correct = loss + batch_loss, correct + batch_correct
            seen = step * config.batch
            progress.update(task, completed=step, figures=f"loss {loss / seen:.4f} accuracy {correct / seen:.4f}")
    seen, seconds = steps * config.batch, time.monotonic() - started
    if shard.index == 0:
        summary = f"loss {loss / seen:.4f} accuracy {correct / seen:.4f}"
        print(f"{title} {summary} {seconds:.0f} s", file=sys.stderr, flush=True)
    return {
        "train_loss": loss / seen,
        "train_accuracy": correct / seen,
        "epoch": epoch + 1,
        "seconds": round(seconds, 1),
    }


def evaluate(loop: TrainingLoop, name: str, images: LabelledImages) -> dict[str, float]:
    """`{name}_loss` and `{name}_accuracy` of the final weights."""
    if not len(images.images):
        return {}
    logits = loop.compute_logits(convert_to_input(images.images))
    chosen = softmax(logits)[np.arange(len(logits)), images.labels]
    return {
        f"{name}_loss": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
        f"{name}_accuracy": float((logits[:, :DIGITS].argmax(axis=1) == images.labels).mean()),
    }


def write_first_layer(summaries: SummaryWriter, loop: TrainingLoop, training: LabelledImages, epoch: int) -> None:
    """Write the first layer's kernels, and its feature maps of the first training image."""
    import tensorflow as tf

    kernels = loop.get_final_weights()[0]
    summaries.write_image(epoch, "kernels", tile_images(kernels[:, :, 0].transpose(2, 0, 1), 8))
    maps = tf.nn.conv2d(convert_to_input(training.images[:1]), kernels, 1, "SAME").numpy()[0]
    summaries.write_image(epoch, "feature maps", tile_images(maps.transpose(2, 0, 1), 3))


def take_first(images: LabelledImages, count: int | None) -> LabelledImages:
    return images if count is None else LabelledImages(images.images[:count], images.labels[:count])
