"""Clients that send requests while a service shuts down, and the outcomes of their requests."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable

Ask = Callable[[http.client.HTTPConnection], bool]
"""Sends one request and reads the response. Returns whether it is correct."""


def ask_until_refused(port: int, keep_alive: bool, ask: Ask, outcomes: Counter[str]) -> None:
    """Count `answered`, `wrong` and `lost` requests (accepted without a response) until a connection is refused."""
    connection: http.client.HTTPConnection | None = None
    while True:
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.connect()
            except OSError:
                connection.close()
                return
        try:
            outcomes["answered" if ask(connection) else "wrong"] += 1
        except (OSError, http.client.HTTPException, AssertionError) as error:
            outcomes["lost"] += 1
            outcomes[f"lost: {type(error).__name__}"] += 1
            connection.close()
        # http.client drops the socket after a response with "Connection: close".
        if not keep_alive or connection.sock is None:
            connection.close()
            connection = None


def ask_all_along(port: int, clients: int, ask: Ask, stop: Callable[[], None], seconds: float) -> Counter[str]:
    """Half of the clients open a connection per request. `stop` is called after some `seconds` under load."""
    outcomes: Counter[str] = Counter()
    threads = [
        threading.Thread(target=ask_until_refused, args=(port, number % 2 == 0, ask, outcomes), daemon=True)
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes
