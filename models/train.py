"""Train a digit network: `python -m models.train --network bundled --data DIR --out DIR`.

Started again with the same arguments, a run that was interrupted resumes after the last finished epoch and gives the
same result as an uninterrupted one. The model is that of the last epoch: nothing is selected on the test images.
Several workers, given by TF_CONFIG or `--workers`, train on shards of the same batches; only worker 0, the chief,
evaluates and writes files.
"""

import argparse
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from models.errors import CheckpointError, ClusterError, ModelError
from models.training.config import DEFAULTS, NETWORKS, TrainConfig
from models.training.distributed.cluster_spec import (
    SINGLE_WORKER,
    TF_CONFIG,
    Cluster,
    check_batch,
    form_cluster,
    read_tf_config,
)
from models.training.distributed.launcher import run_local_workers
from models.training.mnist import load_mnist
from models.training.run import WAIT_SECONDS, train_network

PROGRAM = "python -m models.train"


@dataclass(frozen=True)
class Options:
    """The options of the command line. With `local_workers`, the command starts that many workers on this machine."""

    config: TrainConfig
    data: Path | None
    out: Path
    finish: bool = False
    cluster: Cluster = SINGLE_WORKER
    wait_seconds: float = WAIT_SECONDS
    local_workers: int | None = None


def build_parser(defaults: TrainConfig = DEFAULTS, prog: str = PROGRAM) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Train a digit network. A run that was interrupted resumes when it is started again with the same "
        "options.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--network", choices=NETWORKS, default=defaults.network,
        help="'lecture' is the lecture's network without Keras layers, 'layers' the same with Keras layers, "
        "'bundled' the network that the service uses (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--data", type=Path, metavar="DIR",
        help="folder of MNIST's IDX files, gzipped or not (default: download MNIST to the cache folder)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="model folder to write")
    parser.add_argument(
        "--epochs", type=int, default=defaults.epochs, help="passes over the training images (default: %(default)s)"
    )
    parser.add_argument(
        "--batch", type=int, default=defaults.batch,
        help="images per step, of all workers together (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=defaults.seed, help="seed of all random numbers (default: %(default)s)"
    )
    parser.add_argument(
        "--finish", action="store_true", help="write the model folder from the last finished epoch, without training"
    )
    parser.add_argument(
        "--workers", metavar="HOST:PORT,...|COUNT",
        help="addresses of all workers, the chief first, as an alternative to TF_CONFIG; or the number of workers to "
        "start on this machine (default: one worker)",
    )  # fmt: skip
    parser.add_argument("--index", type=int, help="index of this worker in --workers, from 0")
    parser.add_argument(
        "--wait", type=float, default=WAIT_SECONDS, metavar="SECONDS",
        help="time to wait for the other workers (default: %(default)s)",
    )  # fmt: skip
    return parser


def parse_arguments(arguments: list[str], defaults: TrainConfig = DEFAULTS, prog: str = PROGRAM) -> Options:
    """Raises ClusterError if TF_CONFIG, --workers or --index is invalid."""
    given = build_parser(defaults, prog).parse_args(arguments)
    config = replace(defaults, network=given.network, epochs=given.epochs, batch=given.batch, seed=given.seed)
    if config.network != "bundled":
        # The lecture's networks train on all 60,000 images, without negatives, and are not calibrated.
        config = replace(config, validation=0, drawn=0, rubbish=0)
    options = Options(config, given.data, given.out, given.finish, wait_seconds=given.wait)
    return add_workers(options, given.workers, given.index)


def add_workers(options: Options, workers: str | None, index: int | None) -> Options:
    tf_config = os.environ.get(TF_CONFIG, "")
    if workers is None:
        if index is not None:
            raise ClusterError("--index needs --workers host:port,host:port; give both or neither")
        return replace(options, cluster=read_tf_config(tf_config))
    if tf_config:
        raise ClusterError("TF_CONFIG and --workers both define workers; give only one of them")
    if workers.isdigit():
        if int(workers) < 1 or index is not None:
            raise ClusterError(
                f"--workers {workers} is a number of workers to start on this machine: give 1 or more, and no --index"
            )
        return replace(options, local_workers=int(workers))
    if index is None:
        raise ClusterError(f"--workers {workers} needs --index: the index of this worker, 0 for the first")
    return replace(options, cluster=form_cluster(workers.split(","), index, "--workers"))


def main(arguments: list[str], defaults: TrainConfig = DEFAULTS, prog: str = PROGRAM) -> None:
    """Run the command; `prog` is its name in the usage message. Errors end it with one line and status 1."""
    try:
        options = parse_arguments(arguments, defaults, prog)
        if options.local_workers is not None:
            check_batch(options.config.batch, options.local_workers)
            raise SystemExit(run_local_workers(options.local_workers, arguments))
        check_batch(options.config.batch, len(options.cluster.workers))
        train_network(
            options.config, load_mnist(options.data), options.out,
            finish=options.finish, cluster=options.cluster, wait_seconds=options.wait_seconds,
        )  # fmt: skip
    except CheckpointError as error:
        raise SystemExit(f"{error}: give the options of that run, or another --out") from None
    except ModelError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
