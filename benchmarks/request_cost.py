"""What tokens, rates, headers, ids, metrics and logs cost a request: `python -m benchmarks.request_cost`.

The layers of `create_app` around an app that does nothing, called in this process, against that app alone: microseconds
a request, the median of rounds that take turns.
"""

import asyncio
import json
import logging
import os
import statistics
import sys
import time
from typing import Any, cast

from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.api.problems import render_error
from app.context import StepTime, find_record
from app.middleware.auth import AccessControl
from app.middleware.cors import AllowOrigins
from app.middleware.headers import SecurityHeaders
from app.middleware.observe import Observe
from app.middleware.rate_limit import ClientRates
from app.middleware.tokens import Tokens
from app.observability.logs import configure_logging
from app.observability.metrics import Metrics
from app.settings import AccessSettings

REQUESTS, ROUNDS = 2000, 15
TOKENS = [f"{number:032d}" for number in range(5)]


async def do_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """As much as the way of an image leaves in the record."""
    await receive()
    scope["route"] = ROUTE
    find_record().steps += [StepTime(name, 0, 0.01) for name in ("queue", "decode", "convolve", "encode")]
    find_record().kernels = ("gaussian",)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/png")]})
    await send({"type": "http.response.body", "body": b"image"})


class ROUTE:
    path = "/filter/{kernel}"


def build(access: AccessSettings, hosts: tuple[str, ...] = ()) -> ASGIApp:
    rates = ClientRates(access.rate_limit) if access.rate_limit else None
    tokens = Tokens(access)
    app: ASGIApp = AccessControl(do_nothing, hosts=hosts, rates=rates, tokens=tokens, render_error=render_error)
    if access.cors_origins:
        app = AllowOrigins(app, origins=access.cors_origins)
    app = SecurityHeaders(app, cross_origin=bool(access.cors_origins))
    app = Observe(app, metrics=Metrics(), tracing=None)
    if access.trusted_proxies:
        app = cast(ASGIApp, ProxyHeadersMiddleware(app, list(access.trusted_proxies)))  # type: ignore[arg-type]
    return app


async def measure(app: ASGIApp) -> float:
    """Microseconds a request."""
    headers = [
        (b"host", b"images.example"), (b"authorization", f"Bearer {TOKENS[-1]}".encode()),
        (b"user-agent", b"curl/8"), (b"accept", b"*/*"), (b"content-type", b"image/png"),
        (b"content-length", b"7"), (b"origin", b"https://shop.example"), (b"x-forwarded-for", b"198.51.100.7"),
    ]  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"image", "more_body": False}

    async def send(message: Message) -> None:
        pass

    started = time.perf_counter()
    for _ in range(REQUESTS):
        scope: dict[str, Any] = {
            "type": "http", "method": "POST", "path": "/filter/gaussian", "query_string": b"sigma=2", "scheme": "http",
            "headers": headers, "client": ("127.0.0.1", 4000), "server": ("127.0.0.1", 8000), "root_path": "",
        }  # fmt: skip
        await app(scope, receive, send)
    return 1e6 * (time.perf_counter() - started) / REQUESTS


def log_to_nowhere(format: str) -> None:
    configure_logging(format, "info")  # type: ignore[arg-type]
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(open(os.devnull, "w"))  # noqa: SIM115


async def main() -> None:
    everything = AccessSettings(
        tokens=SecretStr(" ".join(TOKENS)),
        rate_limit="1000000/second",
        trusted_proxies=("127.0.0.1",),
        cors_origins=("https://shop.example",),
    )
    stacks: dict[str, tuple[ASGIApp, str]] = {
        "nothing": (do_nothing, "console"),
        "as it comes, console logs": (build(AccessSettings()), "console"),
        "as it comes, JSON logs": (build(AccessSettings()), "json"),
        "everything switched on, JSON logs": (build(everything, ("images.example",)), "json"),
    }
    times: dict[str, list[float]] = {name: [] for name in stacks}
    for _ in range(ROUNDS):
        for name, (app, format) in stacks.items():
            log_to_nowhere(format)
            times[name].append(await measure(app))
    nothing = statistics.median(times["nothing"])
    print(json.dumps({name: round(statistics.median(spent) - nothing, 1) for name, spent in times.items()}, indent=1))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
