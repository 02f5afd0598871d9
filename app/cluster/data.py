"""An archive on Ray Data: actors on every machine, each with a worker process, and outcomes that stream back."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec
import ray
from ray.data import ActorPoolStrategy, DataContext

from app.archive.job import Item, ItemOutcome, Job
from app.archive.messages import JobMessage, describe_job
from app.archive.processes import process_chunk, start_pool
from app.errors import StartError
from app.settings import Settings
from app.tasks.context import load_static_data

WINDOW_CHUNKS = 50_000
"""What Ray is given at a time, so that memory does not grow with the archive. Actors start anew for the next."""
BLOCK_CHUNKS = 8
"""What an actor is given at a time, and what is done again when its machine is lost."""


class WorkerActor:
    """One worker process, and this process that watches it."""

    def __init__(self, job: bytes) -> None:
        message = msgspec.msgpack.decode(job, type=ActorMessage)
        self.job, self.fingerprint = message.job, message.fingerprint
        self._runner = asyncio.Runner()
        settings = Settings.model_validate_json(message.settings)
        self._pool = self._runner.run(start_pool(settings, message.static, processes=1))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        items = msgspec.msgpack.decode(row["items"], type=list[Item])
        outcomes = self._runner.run(process_chunk(self._pool, self.job, self.fingerprint, items))
        return {"outcomes": msgspec.msgpack.encode(outcomes)}


class ActorMessage(msgspec.Struct, frozen=True):
    """What an actor needs to know about a job."""

    job: JobMessage
    fingerprint: str
    settings: str
    """As JSON."""
    static: bytes


def run_on_ray(job: Job, mark: str, chunks: Iterable[list[Item]]) -> Iterator[ItemOutcome]:
    """Outcomes as they come, with an actor for each of Ray's cores. Raises StartError."""
    message = ActorMessage(describe_job(job), mark, job.settings.model_dump_json(), load_static_data(job.settings))
    context = DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    most = max(1, int(ray.cluster_resources().get("CPU", 1)))
    remaining = iter(chunks)
    while window := list(islice(remaining, WINDOW_CHUNKS)):
        rows = [{"items": msgspec.msgpack.encode(items)} for items in window]
        done = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // BLOCK_CHUNKS)).map(
            WorkerActor,
            fn_constructor_args=(msgspec.msgpack.encode(message),),
            compute=ActorPoolStrategy(min_size=1, max_size=most),
            num_cpus=1,
            runtime_env={"env_vars": {"OPENBLAS_NUM_THREADS": "1"}},
        )
        try:
            for row in done.iter_rows():
                yield from msgspec.msgpack.decode(row["outcomes"], type=list[ItemOutcome])
        except ray.exceptions.RayError as error:
            raise StartError(f"Ray gave up: {error}") from error
