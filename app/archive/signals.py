"""Stop a run on SIGINT or SIGTERM after the current image, so that finished work is recorded."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """The first signal is stored for the run to see; the second one raises KeyboardInterrupt."""

    number: int | None = None
    """None until a signal arrives."""

    def receive(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            raise KeyboardInterrupt
        self.number = number


@contextmanager
def catch_stop() -> Iterator[StopSignal]:
    """Handle the signals in the body, and restore the previous handlers afterwards."""
    stop = StopSignal()
    before = {number: signal.signal(number, stop.receive) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
