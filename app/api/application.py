"""FastAPI as this service uses it: with middleware outside of the handler of unexpected errors, and its own spans."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from app.observability.logs import MONITORING_PATHS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class Application(FastAPI):
    """`outer_middleware` is outermost first, like FastAPI's `middleware`, and sees every response.

    Starlette's handler of unexpected errors is outside of `middleware`: a 500 response would have no request id, no
    security headers and no CORS headers, and would not be counted. Wrapping the finished app does not work either:
    FastAPI starts the span of a request in `__call__`, so such a wrapper would see no trace. So the outer middleware
    wraps the middleware stack, between the span and the handler.
    """

    def __init__(self, *, outer_middleware: Sequence[Middleware] = (), **options: Any) -> None:
        super().__init__(**options)
        self.outer_middleware = list(outer_middleware)

    def build_middleware_stack(self) -> ASGIApp:
        app = super().build_middleware_stack()
        for middleware, args, kwargs in reversed(self.outer_middleware):
            app = middleware(app, *args, **kwargs)
        return app


def configure_telemetry(provider: "TracerProvider | None") -> TelemetryConfig:
    """Spans of requests, and none of FastAPI's metrics, logs and other spans."""
    return TelemetryConfig(
        tracing=provider is not None,
        tracer_provider=provider,
        metrics=False,
        logs=False,
        operation_spans=False,
        auto_configure=False,
        exclude=lambda scope: scope.get("path") in MONITORING_PATHS,
    )
