"""The limits on all connections together, without sockets."""

from dataclasses import dataclass, field

import pytest

from app.errors import ErrorResponse, TooManyConnectionsError, TooMuchHeldError
from app.server.client_timer import ClientTimer, Timeouts
from app.server.connections import Connections
from app.server.reservations import reserve_nothing
from app.settings import Settings


def render_nothing(error: Exception, request_id: str, path: str, origin: str) -> ErrorResponse:
    raise AssertionError("these tests send no response")


@dataclass(eq=False)
class Client:
    """A connection that records what happens to it."""

    held_bytes: int = 0
    lag_s: float = 0.0
    given_up: list[Exception] = field(default_factory=list)
    rejected: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timer = ClientTimer(Timeouts.from_settings(Settings()))
        self.timer.lag_s = self.lag_s

    def check_timeouts(self, elapsed_s: float) -> None: ...

    def give_up(self, error: Exception) -> None:
        self.given_up.append(error)

    def reject(self, error: Exception) -> None:
        self.rejected.append(error)


def open_connections(clients: list[Client], max_connections: int = 100, max_held_bytes: int = 1000) -> Connections:
    """All busy."""
    settings = Settings(max_held_bytes=max_held_bytes)
    connections = Connections(settings, max_connections, render_nothing, reserve_nothing)
    connections.connections.update(clients)  # type: ignore[arg-type]
    return connections


def add(connections: Connections, newest: Client) -> None:
    connections.connections.add(newest)  # type: ignore[arg-type]
    connections.idle[newest] = None
    connections.limit_count(newest)


def test_below_the_limit_nothing_is_closed() -> None:
    clients = [Client(lag_s=100), Client()]
    connections = open_connections(clients, max_connections=3)
    add(connections, newest := Client())
    assert len(connections) == 3
    assert [one.given_up + one.rejected for one in (*clients, newest)] == [[], [], []]
    assert connections.shed == 0


def test_the_longest_idle_connection_is_closed_first() -> None:
    slow, first, second = Client(lag_s=100), Client(), Client()
    connections = open_connections([slow, first, second], max_connections=3)
    connections.idle |= {first: None, second: None}
    add(connections, newest := Client())
    assert [type(error) for error in first.given_up] == [TooManyConnectionsError]
    assert slow.given_up == second.given_up == newest.given_up == newest.rejected == []
    assert len(connections) == 3
    assert first not in connections.idle
    assert connections.shed == 1


def test_if_all_are_busy_the_slowest_is_closed() -> None:
    slower, slowest = Client(lag_s=2), Client(lag_s=3)
    connections = open_connections([slower, slowest, Client()], max_connections=3)
    add(connections, newest := Client())
    assert len(slowest.given_up) == 1
    assert slower.given_up == newest.rejected == []


def test_if_all_are_busy_and_fast_the_new_connection_is_rejected() -> None:
    clients = [Client(lag_s=0.9), Client()]
    connections = open_connections(clients, max_connections=2)
    add(connections, newest := Client())
    (error,) = newest.rejected
    assert str(error) == "All 2 connections are in use (CONVSERVE_MAX_CONNECTIONS)."
    assert newest.given_up == clients[0].given_up == clients[1].given_up == []


@pytest.mark.parametrize(("max_held_bytes", "closed"), [(1500, 0), (1499, 1), (900, 1), (899, 2), (1, 3)])
def test_above_the_memory_limit_the_slowest_are_closed_until_enough_is_free(max_held_bytes: int, closed: int) -> None:
    fast, slow, slowest = Client(500), Client(400, lag_s=1), Client(600, lag_s=2)
    nothing_held = Client(0, lag_s=100)
    connections = open_connections([fast, slow, slowest, nothing_held], max_held_bytes=max_held_bytes)
    connections.limit_held_bytes()
    assert [len(one.given_up) for one in (slowest, slow, fast)] == [1] * closed + [0] * (3 - closed)
    assert nothing_held.given_up == []
    assert connections.shed == closed
    for error in (error for one in (slowest, slow, fast) for error in one.given_up):
        assert isinstance(error, TooMuchHeldError)
        assert f"{max_held_bytes} bytes (CONVSERVE_MAX_HELD_BYTES)" in str(error)
