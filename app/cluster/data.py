"""An archive on Ray Data: actors on every machine, each with a worker process, and outcomes that stream back."""

import asyncio
import logging
import pickle
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext

from app.archive.job import Job, Outcome, Task
from app.archive.processes import do_chunk, start_processes
from app.errors import StartError

WINDOW_CHUNKS = 50_000
"""What Ray is given at a time, so that memory does not grow with the archive. Actors start anew for the next."""
BLOCK_CHUNKS = 8
"""What an actor is given at a time, and what is done again when its machine is lost."""


class WorkerActor:
    """One worker process, and this one that watches over it."""

    def __init__(self, job: Job, mark: str) -> None:
        self.job, self.mark = job, mark
        self._runner = asyncio.Runner()
        self._workers = self._runner.run(start_processes(job, 1))

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        tasks = pickle.loads(row["tasks"])
        return {"outcomes": pickle.dumps(self._runner.run(do_chunk(self._workers, self.job, self.mark, tasks)))}


def run_on_ray(job: Job, mark: str, chunks: Iterable[list[Task]]) -> Iterator[Outcome]:
    """Outcomes as they come, with an actor for each of Ray's cores. Raises StartError."""
    context = DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    most = max(1, int(ray.cluster_resources().get("CPU", 1)))
    remaining = iter(chunks)
    while window := list(islice(remaining, WINDOW_CHUNKS)):
        rows = [{"tasks": pickle.dumps(tasks)} for tasks in window]
        done = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // BLOCK_CHUNKS)).map(
            WorkerActor,
            fn_constructor_args=(job, mark),
            compute=ActorPoolStrategy(min_size=1, max_size=most),
            num_cpus=1,
            runtime_env={"env_vars": {"OPENBLAS_NUM_THREADS": "1"}},
        )
        try:
            for row in done.iter_rows():
                yield from pickle.loads(row["outcomes"])
        except ray.exceptions.RayError as error:
            raise StartError(f"Ray gave up: {error}") from error
