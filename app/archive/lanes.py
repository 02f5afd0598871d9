"""Worker processes on this machine, one to a core: a picture that kills one costs no other picture."""

import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from app.archive.jobs import Job, Outcome, Task, do_tasks, prepare


class LaneError(RuntimeError):
    """No process can be started: none of the pictures is at fault."""


class Lane:
    """A process that is given tasks, one chunk at a time, and is replaced when it dies."""

    def __init__(self, job: Job, mark: str) -> None:
        self.job, self.mark = job, mark
        self.tasks: list[Task] = []
        self.connection: Connection | None = None
        self._process: multiprocessing.process.BaseProcess | None = None
        self._warm = False

    def send(self, tasks: list[Task]) -> None:
        self.tasks = tasks
        if self.connection is None:
            self._start()
        assert self.connection is not None
        with suppress(OSError):  # it has died; `receive` tells
            self.connection.send(tasks)

    def _start(self) -> None:
        self._warm = False
        context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=work_lane, args=(self.job, self.mark, theirs), daemon=True)
        self._process.start()
        theirs.close()  # so that either side sees when the other is gone

    def receive(self) -> tuple[list[Outcome], list[list[Task]]]:
        """Outcomes, and what has to be done once more, one by one, as the process has died of one of them."""
        assert self.connection is not None
        try:
            outcomes = self.connection.recv()
            if outcomes is None:  # warm; the outcomes follow
                self._warm = True
                return [], []
            self.tasks = []
            return outcomes, []
        except (EOFError, OSError):
            self.close()
        tasks, self.tasks = self.tasks, []
        if not self._warm:
            raise LaneError("A worker process ended while it was starting; what it said is above.")
        if len(tasks) > 1:
            return [], [[task] for task in tasks]
        reason = "the process that worked on it died: a crash, or not enough memory"
        return [Outcome(task.name, "failed", reason) for task in tasks], []

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self.connection is not None:
            self.connection.close()
        self._process = self.connection = None


def work_lane(job: Job, mark: str, connection: Connection) -> None:
    """What the process runs, until its driver closes the connection or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides
    prepare(job)
    connection.send(None)
    while True:
        try:
            tasks = connection.recv()
            connection.send(do_tasks(job, mark, tasks))
        except (EOFError, OSError):
            return


def run_locally(job: Job, mark: str, chunks: Iterable[list[Task]], processes: int) -> Iterator[Outcome]:
    """Outcomes as they come. Processes start only when there is something to do."""
    lanes = [Lane(job, mark) for _ in range(processes)]
    waiting = iter(chunks)
    again: list[list[Task]] = []
    try:
        while True:
            for lane in lanes:
                if not lane.tasks and (tasks := again.pop() if again else next(waiting, None)):
                    lane.send(tasks)
            busy = {lane.connection: lane for lane in lanes if lane.tasks and lane.connection}
            if not busy:
                return
            for connection in wait(list(busy)):
                outcomes, repeated = busy[connection].receive()  # type: ignore[index]
                again += repeated
                yield from outcomes
    finally:
        for lane in lanes:
            lane.close()
