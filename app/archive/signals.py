"""Being asked to stop: what is done is written down first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """The first one is noted, for the run to end in good order; the second one ends the program."""

    number: int | None = None

    def note(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            raise KeyboardInterrupt
        self.number = number


@contextmanager
def catch_stop() -> Iterator[StopSignal]:
    stop = StopSignal()
    before = {number: signal.signal(number, stop.note) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
