"""The state that the connections of one server share, and the limits on all of them together."""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Protocol, cast

from uvicorn.server import ServerState

from app.errors import TooManyConnectionsError, TooMuchHeldError
from app.server.client_timer import ClientTimer, ConnectionStage, Timeouts
from app.server.lingering_close import LingeringClose
from app.server.rejections import Rejections, RenderError
from app.server.reservations import ReserveSlot
from app.settings import Settings

SHEDDABLE_LAG_SECONDS = 1  # from then on a connection may be closed in favour of a new one

logger = logging.getLogger(__name__)


class ClientConnection(Protocol):
    """What the limits need of a connection (`app/server/protocol.py`)."""

    timer: ClientTimer

    @property
    def held_bytes(self) -> int: ...
    def check_timeouts(self, elapsed_s: float) -> None: ...
    def reject(self, error: Exception) -> None: ...
    def give_up(self, error: Exception) -> None: ...


class Connections(ServerState):
    """Iterates over the open connections; the length includes those that linger."""

    def __init__(
        self,
        settings: Settings,
        max_connections: int,
        render_error: RenderError,
        reserve_slot: ReserveSlot,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.max_connections = max_connections
        self.reserve_slot = reserve_slot
        self.timeouts = Timeouts.from_settings(settings)
        self.draining = False
        """Once set, every response closes its connection."""
        self.idle: dict[ClientConnection, None] = {}
        """Connections without a request in work, the longest idle first."""
        self.timed_out: Counter[ConnectionStage] = Counter()
        """Connections closed since the start because the client was too slow."""
        self.shed = 0
        """Connections closed since the start because of the connection or memory limit."""
        self.rejections = Rejections(render_error)
        self.lingering = LingeringClose()

    def __len__(self) -> int:
        return len(self.connections) + len(self.lingering)

    def __iter__(self) -> Iterator[ClientConnection]:
        return iter(cast("list[ClientConnection]", list(self.connections)))

    def check_timeouts(self, elapsed_s: float) -> None:
        """Close the connections of slow clients. `elapsed_s` is the time since the last call."""
        before = self.timed_out.copy()
        for connection in self:
            connection.check_timeouts(elapsed_s)
        self.limit_held_bytes()
        self.rejections.log_overloads()
        for stage, count in (self.timed_out - before).items():
            logger.info("closed %d connections that waited too long for %s", count, stage.value)

    def limit_held_bytes(self) -> None:
        """Close the connections of the slowest clients while all together hold more memory than the limit."""
        excess = sum(connection.held_bytes for connection in self) - self.settings.max_held_bytes
        if excess <= 0:
            return
        for connection in sorted(self, key=lambda one: (one.timer.lag_s, one.held_bytes), reverse=True):
            if excess > 0 and connection.held_bytes:
                excess -= connection.held_bytes
                self.shed += 1
                connection.give_up(
                    TooMuchHeldError(
                        f"Unfinished transfers hold more than {self.settings.max_held_bytes} bytes "
                        "(CONVSERVE_MAX_HELD_BYTES)."
                    )
                )

    def limit_count(self, newest: ClientConnection) -> None:
        """Above the limit, close a lingering, idle or slow connection, in this order, or else reject the newest one."""
        if len(self) <= self.max_connections or self.lingering.close_oldest():
            return
        closed = next(iter(self.idle))
        if closed is newest:
            slowest = max(self, key=lambda connection: connection.timer.lag_s)
            closed = slowest if slowest.timer.lag_s > SHEDDABLE_LAG_SECONDS else newest
        self.shed += 1
        self.idle.pop(closed, None)
        self.connections.discard(closed)
        error = TooManyConnectionsError(
            f"All {self.max_connections} connections are in use (CONVSERVE_MAX_CONNECTIONS)."
        )
        if closed is newest:
            closed.reject(error)
        else:
            closed.give_up(error)
