"""The rate limit of each client, counted in this process."""

import ipaddress
import logging
import math
import time

from app.errors import RateLimitError

MAX_CLIENTS = 10_000
"""Counted at the same time. With more clients all counts restart, which bounds the memory and rejects no client."""
IPV6_NETWORK_BITS = 64
"""A network of this size is one client, because a provider assigns all its addresses to one customer."""

logger = logging.getLogger(__name__)


class ClientRates:
    """A fixed window for each client. It starts with the first request of the client."""

    def __init__(self, rate: str) -> None:
        """`rate` such as 20/second. Raises ValueError."""
        from limits import parse
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter

        self.rate = parse(rate)
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)

    def count(self, address: str) -> dict[str, str]:
        """Count a request. Returns the headers with the remaining quota. Raises RateLimitError."""
        client = name_client(address)
        if len(self._storage.storage) >= MAX_CLIENTS:
            logger.warning("more than %d clients within %s: all rate limit counts restart", MAX_CLIENTS, self.rate)
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
                f"The rate limit is {self.rate} per client (CONVSERVE_RATE_LIMIT). Try again in {wait_s} s.",
                headers | {"Retry-After": str(wait_s)},
            )
        return headers


def name_client(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 address."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed.packed, IPV6_NETWORK_BITS), strict=False))
