"""Clients that go on asking while a service is told to stop, and what became of what they asked."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable

Ask = Callable[[http.client.HTTPConnection], bool]
"""Sends one request and reads its answer: whether it was the right one."""


def ask_until_refused(port: int, keep_alive: bool, ask: Ask, outcomes: Counter[str]) -> None:
    """Count `answered`, `wrong` and `lost`: accepted and not answered. Ends when a connection is refused."""
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
        # http.client drops the socket where the answer says that the connection is closed.
        if not keep_alive or connection.sock is None:
            connection.close()
            connection = None


def ask_all_along(port: int, clients: int, ask: Ask, stop: Callable[[], None], seconds: float) -> Counter[str]:
    """Half of the clients with a connection for each request. `stop` is called after some time under load."""
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
