"""The service with one more route, which says how many functions TensorFlow has traced in all workers.

python -m benchmarks.observed PORT
"""

import asyncio
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

from app.main import create_app, make_server
from app.pool.ipc import Report
from app.pool.pool import WorkerPool
from app.pool.task import Answer, Registry, Task
from app.settings import Settings
from app.tasks.context import load_static_data
from app.tasks.registry import REGISTRY as SERVICE

TRACED_PATH = "/traced-functions"


def count_traced(context: Any, params: None, blobs: Sequence[bytes], report: Report) -> Answer[int]:
    """Concrete functions that TensorFlow has created so far in this worker."""
    from tensorflow.python.eager import context as eager

    time.sleep(0.2)  # so that the next call goes to the next worker
    return Answer(len(eager.context().list_function_names()))


COUNT_TRACED: Task[None, int] = Task("count-traced", type(None), int, count_traced, blob_count=0)
REGISTRY = Registry({**SERVICE.tasks, COUNT_TRACED.name: COUNT_TRACED}, SERVICE.start, SERVICE.describe_error)


def serve(port: int) -> None:
    settings = Settings()
    pool = WorkerPool(settings, "benchmarks.observed", load_static_data(settings))
    app = create_app(settings, pool=pool)

    async def sum_traced() -> int:
        # All workers are idle and called at once, so each gets one call.
        answers = await asyncio.gather(*(pool.run(COUNT_TRACED, None) for _ in range(pool.slots)))
        return sum(answer.result for answer in answers)

    app.add_api_route(TRACED_PATH, sum_traced)
    make_server(app).run(sockets=[socket.create_server(("127.0.0.1", port))])


if __name__ == "__main__":
    serve(int(sys.argv[1]))
