"""A FastAPI app with outer middleware, and the configuration of its traces."""

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
    """`outer_middleware` wraps the whole middleware stack, outermost first, and sees every response.

    Starlette's handler of unexpected errors is outside of FastAPI's `middleware`. With `middleware`, a 500 response
    would have no request id, security headers or CORS headers, and would not be counted. Wrapping the finished app is
    no alternative: FastAPI starts the span of a request in `__call__`, so the wrapper would see no trace.
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
    """One span per request. FastAPI's metrics, logs and other spans are off."""
    return TelemetryConfig(
        tracing=provider is not None,
        tracer_provider=provider,
        metrics=False,
        logs=False,
        operation_spans=False,
        auto_configure=False,
        exclude=lambda scope: scope.get("path") in MONITORING_PATHS,
    )
