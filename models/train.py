"""Train a digit network: `python -m models.train --network bundled --data DIR --out DIR`.

Started again with the same arguments, a run that was interrupted resumes after the last finished epoch and gives the
same result as an uninterrupted one. The model is that of the last epoch: nothing is selected on the test images.
Several workers, given by TF_CONFIG or `--workers`, train on shards of the same batches; only worker 0, the chief,
evaluates and writes files.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from models.errors import CheckpointError, ClusterError, ModelError
from models.training.config import DEFAULTS, WAIT_SECONDS, DataOption, NetworkName, TrainConfig, configure
from models.training.distributed.cluster_spec import (
    TF_CONFIG,
    Cluster,
    check_batch,
    form_cluster,
    read_tf_config,
)


def train(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Model folder to write.")],
    data: DataOption = None,
    network: Annotated[
        NetworkName,
        typer.Option(
            help="`lecture` is the lecture's network without Keras layers, `layers` the same with Keras layers, "
            "`bundled` the network that the service uses."
        ),
    ] = DEFAULTS.network,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = DEFAULTS.epochs,
    batch: Annotated[int, typer.Option(help="Images per step, of all workers together.")] = DEFAULTS.batch,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = DEFAULTS.seed,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Model folder with the weights that the run starts from, for `bundled`. The learning rate is lower.",
            show_default="random weights",
        ),
    ] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="Write the model folder from the last finished epoch, without training.")
    ] = False,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT,...|COUNT",
            help="Addresses of all workers, the chief first, as an alternative to TF_CONFIG; or the number of workers "
            "to start on this machine.",
            show_default="one worker",
        ),
    ] = None,
    index: Annotated[int | None, typer.Option(help="Index of this worker in --workers, from 0.")] = None,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="Time to wait for the other workers.")] = WAIT_SECONDS,
) -> None:
    """Train a digit network.

    A run that was interrupted resumes when it is started again with the same options.
    """
    config = configure(context.obj or DEFAULTS, network, epochs, batch, seed)
    try:
        if workers and workers.isdigit():
            run_workers_here(int(workers), index, config.batch, context)
        cluster = find_cluster(workers, index)
        check_batch(config.batch, len(cluster.workers))
        from models.training.mnist import load_mnist
        from models.training.run import load_start, train_network

        mnist = load_mnist(data)
        config, trained = load_start(config, start)
        card = train_network(config, mnist, out, finish=finish, cluster=cluster, wait_seconds=wait, start=trained)
        if card and config.network == "bundled":
            from models.calibrate import calibrate_folder

            calibrate_folder(out, mnist)
    except CheckpointError as error:
        raise SystemExit(f"{error}: give the options of that run, or another --out") from None
    except ModelError as error:
        raise SystemExit(str(error)) from None


def find_cluster(workers: str | None, index: int | None) -> Cluster:
    """The cluster of `--workers` or TF_CONFIG. Raises ClusterError if they, or `--index`, are invalid."""
    tf_config = os.environ.get(TF_CONFIG, "")
    if workers is None:
        if index is not None:
            raise ClusterError("--index needs --workers host:port,host:port; give both or neither")
        return read_tf_config(tf_config)
    check_tf_config_is_unset(tf_config)
    if index is None:
        raise ClusterError(f"--workers {workers} needs --index: the index of this worker, 0 for the first")
    return form_cluster(workers.split(","), index, "--workers")


def run_workers_here(count: int, index: int | None, batch: int, context: typer.Context) -> None:
    """Start `count` workers on this machine and exit with their status. Raises ClusterError."""
    check_tf_config_is_unset(os.environ.get(TF_CONFIG, ""))
    if count < 1 or index is not None:
        raise ClusterError(
            f"--workers {count} is a number of workers to start on this machine: give 1 or more, and no --index"
        )
    check_batch(batch, count)
    from models.training.distributed.launcher import run_local_workers

    raise SystemExit(run_local_workers(count, list_options(context)))


def check_tf_config_is_unset(tf_config: str) -> None:
    if tf_config:
        raise ClusterError("TF_CONFIG and --workers both define workers; give only one of them")


def list_options(context: typer.Context) -> list[str]:
    """The options of one worker, as arguments of the command."""
    given = {name: value for name, value in context.params.items() if name != "workers" and value not in (None, False)}
    return [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]


def main(arguments: list[str], defaults: TrainConfig = DEFAULTS) -> None:
    """Run the command. `defaults` are the settings that have no option. Errors end it with one line and status 1."""
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(train)
    command(arguments, prog_name="python -m models.train", obj=defaults)


if __name__ == "__main__":
    main(sys.argv[1:])
