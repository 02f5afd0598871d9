"""The mechanisms of the server that can be switched off, to measure what each is worth (benchmarks/overload.py)."""

from typing import NamedTuple


class Features(NamedTuple):
    drop_handshakes: bool = True
    """At shutdown a packet filter drops new connections before the backlog is drained (acceptor.py)."""
    batch_accepts: bool = True
    """While uploads are rejected, new connections are accepted every 20 ms (acceptor.py)."""
    shed_from_head: bool = True
    """While uploads are rejected, an upload is rejected without a protocol object (load_shedding.py)."""
    linger: bool = True
    """A connection whose client still sends is read before it is closed (lingering_close.py)."""


ALL_FEATURES = Features()
