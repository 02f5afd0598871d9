"""A photograph for `POST /learn`, requests that are expected to succeed, and trainings that are cancelled."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from app.errors import OverloadedError
from app.pool.ipc import Report
from app.settings import Settings
from app.tasks.context import TaskContext
from kernels.catalogue import Catalogue
from tests.support.photograph import draw_photograph

PHOTOGRAPH = draw_photograph(240, 320, contrast=35)


def learn(client: httpx2.Client, before: bytes, after: bytes, **parameters: Any) -> Any:
    response = client.post("/learn", params=parameters, files={"before": ("a", before), "after": ("b", after)})
    assert response.status_code == 200, response.text
    return response.json()


class RecordingRunner:
    """Runs tasks in this process, and records their names. The queue is full for the second `full_task`."""

    def __init__(self, full_task: str) -> None:
        self.full_task = full_task
        self.calls: list[str] = []
        self.sent_bytes = 0
        """Of the blobs of the largest call."""
        self.context = TaskContext(Settings(), Catalogue())

    async def run(self, task: Any, params: Any, blobs: Sequence[bytes] = ()) -> Any:
        self.calls.append(task.name)
        self.sent_bytes = max(self.sent_bytes, sum(map(len, blobs)))
        if task.name == self.full_task and self.calls.count(task.name) == 2:
            raise OverloadedError("full", retry_after_s=0)
        await asyncio.sleep(0.005)
        return task.run(self.context, params, blobs, Report())


async def collect(events: Any) -> None:
    async for _ in events:
        pass


async def watch_and_cancel(events: Any, runner: RecordingRunner) -> None:
    """Cancel a training after four calls that continue it. No call may follow."""
    assert [(await anext(events)).name for _ in range(3)] == ["start", "step", "step"]
    watching = asyncio.create_task(collect(events))
    while runner.calls.count(runner.full_task) < 4:
        await asyncio.sleep(0.001)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    count = len(runner.calls)
    await asyncio.sleep(0.3)
    assert len(runner.calls) == count
