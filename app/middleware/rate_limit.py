"""How often each client may call, counted in this process."""

import ipaddress
import logging
import math
import time

from app.errors import RateLimitError

MAX_CLIENTS = 10_000
"""Counted at the same time. With more, all counts begin anew: memory stays bounded, and nobody is refused for it."""
IPV6_NETWORK_BITS = 64
"""A network of this size is one client: whoever has one address of it has them all."""

logger = logging.getLogger(__name__)


class ClientRates:
    """A fixed window for each client, that begins with its first request."""

    def __init__(self, rate: str) -> None:
        """`rate` such as 20/second. Raises ValueError."""
        from limits import parse
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter

        self.rate = parse(rate)
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)

    def count(self, address: str) -> dict[str, str]:
        """Count a request and give the headers that tell the client what is left. Raises RateLimitError."""
        client = name_client(address)
        if len(self._storage.storage) >= MAX_CLIENTS:
            logger.warning("more than %d clients within %s: their counts begin anew", MAX_CLIENTS, self.rate)
            self._storage.reset()
        allowed = self._limiter.hit(self.rate, client)
        reset_time, remaining = self._limiter.get_window_stats(self.rate, client)
        wait_s = max(1, math.ceil(reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"client";q={self.rate.amount};w={self.rate.get_expiry()}',
            "RateLimit": f'"client";r={remaining};t={wait_s}',
        }
        if not allowed:
            raise RateLimitError(
                f"More than {self.rate} from one client (CONVSERVE_RATE_LIMIT). Try again in {wait_s} s.",
                headers | {"Retry-After": str(wait_s)},
            )
        return headers


def name_client(address: str) -> str:
    """The address, of IPv6 the network."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed.packed, IPV6_NETWORK_BITS), strict=False))
