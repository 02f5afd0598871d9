"""Execute a job on Ray Data: actors on every machine, each with one worker process, stream outcomes back."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import ray
from ray.data import ActorPoolStrategy, DataContext

from app.archive.chunks import split_into_chunks
from app.archive.items import Item, ItemOutcome
from app.archive.job import Job
from app.archive.messages import JobMessage, describe_job
from app.archive.processes import load_worker_data, process_chunk, start_pool
from app.errors import StartError
from app.settings import Settings

WINDOW_CHUNKS = 50_000
"""Chunks per Ray dataset, so that memory does not grow with the archive. Each dataset starts new actors."""
BLOCK_CHUNKS = 8
"""Chunks that an actor gets at a time. They are repeated if its machine is lost."""


class ActorMessage(msgspec.Struct, frozen=True):
    """What an actor needs to know about a job."""

    job: JobMessage
    fingerprint: str
    settings: str
    """As JSON."""
    static: bytes


class WorkerActor:
    """One worker process, watched by this process."""

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


def run_on_ray(job: Job, fingerprint: str, chunks: Iterable[list[Item]]) -> Iterator[ItemOutcome]:
    """Yield outcomes in the order in which they finish, with one actor per core of Ray. Raises StartError."""
    settings = job.settings
    message = ActorMessage(describe_job(job), fingerprint, settings.model_dump_json(), load_worker_data(settings))
    context = DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    max_actors = max(1, int(ray.cluster_resources().get("CPU", 1)))
    for window in split_into_chunks(chunks, WINDOW_CHUNKS):
        rows = [{"items": msgspec.msgpack.encode(items)} for items in window]
        finished = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // BLOCK_CHUNKS)).map(
            WorkerActor,
            fn_constructor_args=(msgspec.msgpack.encode(message),),
            compute=ActorPoolStrategy(min_size=1, max_size=max_actors),
            num_cpus=1,
            runtime_env={"env_vars": {"OPENBLAS_NUM_THREADS": "1"}},
        )
        try:
            for row in finished.iter_rows():
                yield from msgspec.msgpack.decode(row["outcomes"], type=list[ItemOutcome])
        except ray.exceptions.RayError as error:
            raise StartError(f"Ray cannot continue: {error}") from error
