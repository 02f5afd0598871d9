"""The service with one route more, which tells how many functions TensorFlow has traced in all workers.

python -m benchmarks.observed PORT
"""

import asyncio
import socket
import sys
import time

from app.main import create_app, make_server
from app.settings import Settings

TRACED_PATH = "/traced-functions"


def serve(port: int) -> None:
    app = create_app(Settings())
    workers = app.state.service.workers

    async def answer_traced() -> int:
        # All are idle and are asked at once, so that each has its turn.
        return sum(await asyncio.gather(*(workers.run(count_traced) for _ in range(workers.slots))))

    app.add_api_route(TRACED_PATH, answer_traced)
    make_server(app).run(sockets=[socket.create_server(("127.0.0.1", port))])


def count_traced() -> int:
    """In a worker: concrete functions that TensorFlow has made so far."""
    from tensorflow.python.eager import context

    time.sleep(0.2)  # so that the next question goes to the next worker
    return len(context.context().list_function_names())


if __name__ == "__main__":
    from benchmarks import observed  # workers know its functions by this name, not as `__main__`

    observed.serve(int(sys.argv[1]))
