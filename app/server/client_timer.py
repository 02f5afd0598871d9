"""The timeouts of a connection, apart from its socket and the event loop."""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from app.settings import Settings


class ConnectionStage(Enum):
    """What a connection waits for. The name in lower case is a label in the metrics, the value is for messages."""

    SILENT = "a first request"
    HEAD = "the rest of a request head"
    BODY = "the rest of a request body"
    WORK = "a response of the service"
    REPLY = "the client to read its response"
    IDLE = "another request"


class Timeouts(NamedTuple):
    """`seconds`: the largest lag at each stage. WORK has no limit here: the worker pool has a deadline."""

    seconds: Mapping[ConnectionStage, float]
    min_bytes_per_second: int

    @classmethod
    def from_settings(cls, settings: Settings) -> "Timeouts":
        seconds = {
            ConnectionStage.SILENT: settings.header_seconds,
            ConnectionStage.HEAD: settings.header_seconds,
            ConnectionStage.BODY: settings.stall_seconds,
            ConnectionStage.REPLY: settings.stall_seconds,
            ConnectionStage.IDLE: settings.keep_alive_seconds,
        }
        return cls(seconds, settings.min_bytes_per_second)

    def describe(self, stage: ConnectionStage) -> str:
        """For the message of a SlowClientError: the limit and the setting that changes it."""
        seconds = f"{self.seconds[stage]:g} s"
        if stage in (ConnectionStage.SILENT, ConnectionStage.HEAD):
            return f"the limit is {seconds} (CONVSERVE_HEADER_SECONDS)"
        if stage is ConnectionStage.IDLE:
            return f"the limit is {seconds} (CONVSERVE_KEEP_ALIVE_SECONDS)"
        return (
            f"for {seconds} (CONVSERVE_STALL_SECONDS) the rate was below {self.min_bytes_per_second} bytes per second "
            "(CONVSERVE_MIN_BYTES_PER_SECOND)"
        )


class ClientTimer:
    """How far a client lags behind.

    While a body or a response is transferred, the lag is the time that passes, less the time that the transferred bytes
    may take at the minimum rate; it is never below 0. An average over the whole transfer would let a client that sent
    1 MB at once send a byte at a time for half an hour; a limit on pauses alone would let it do so without end. At the
    other stages the lag is the time since the stage began, so bytes of a request head do not reduce it.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.stage = ConnectionStage.SILENT
        """As of the last `check`."""
        self.lag_s = 0.0

    def restart(self) -> None:
        self.lag_s = 0.0

    def check(self, stage: ConnectionStage, elapsed_s: float, received_bytes: int, sent_bytes: int) -> bool:
        """Whether the client has exceeded the timeout of its stage.

        `elapsed_s`, `received_bytes` and `sent_bytes` are since the last call.
        """
        if stage is not self.stage:
            self.stage = stage
            self.restart()
        if stage is ConnectionStage.WORK:
            return False
        moved_bytes = {ConnectionStage.BODY: received_bytes, ConnectionStage.REPLY: sent_bytes}.get(stage, 0)
        self.lag_s = max(0.0, self.lag_s + elapsed_s - moved_bytes / self.timeouts.min_bytes_per_second)
        return self.lag_s > self.timeouts.seconds[stage]
