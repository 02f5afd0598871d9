"""Log lines as JSON or for the console, each with the id of its request.

Images, query strings and headers are never logged, because they may hold private data and tokens.
"""

import logging
import sys
from logging.config import dictConfig
from typing import Any

from app.context import Record, current_record
from app.settings import LogFormat, LogLevel

access = logging.getLogger("app.access")

MONITORING_PATHS = {"/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/metrics"}
"""Requested every few seconds: their lines have level debug, unless they fail."""


class AddRequestId(logging.Filter):
    """Adds the id of the current request to every line."""

    def filter(self, line: logging.LogRecord) -> bool:
        record = current_record.get()
        line.request_id = record.id if record and record.id else None
        if record and record.trace_id:
            line.trace_id = record.trace_id
        return True


class ConsoleFormatter(logging.Formatter):
    """`12:00:00.123 info app.access POST /filter/{kernel} 200 ... [id]`"""

    def format(self, line: logging.LogRecord) -> str:
        text = super().format(line)
        request_id = getattr(line, "request_id", None)
        if not request_id:
            return text
        first, newline, rest = text.partition("\n")
        return f"{first} [{request_id}]{newline}{rest}"


def configure_logging(format: LogFormat, level: LogLevel) -> None:
    """Send all log lines of this process, with those of uvicorn and warnings, to standard error."""
    formatters: dict[str, Any] = {
        "console": {
            "()": ConsoleFormatter,
            "format": "%(asctime)s.%(msecs)03d %(levelname)s %(name)s %(message)s",
            "datefmt": "%H:%M:%S",
        },
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": ["levelname", "name", "message", "process"],
            "rename_fields": {"levelname": "level", "name": "logger"},
            "timestamp": "time",
        },
    }
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"request_id": {"()": AddRequestId}},
            "formatters": {format: formatters[format]},
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "stream": sys.stderr,
                    "formatter": format,
                    "filters": ["request_id"],
                }
            },
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {
                "app": {"level": level.upper()},
                "uvicorn": {"level": level.upper(), "handlers": [], "propagate": True},
                "uvicorn.access": {"level": "CRITICAL"},  # replaced by app.access
            },
        }
    )
    logging.captureWarnings(True)


def log_request(record: Record) -> None:
    """Log the single line of a finished request."""
    quiet = record.status < 400 and record.route in MONITORING_PATHS
    level = logging.DEBUG if quiet else logging.INFO if record.status < 500 else logging.WARNING
    if not access.isEnabledFor(level):
        return
    milliseconds = {step.name: round(1000 * step.seconds, 2) for step in record.steps}
    fields: dict[str, Any] = {
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "client": record.client,
        "duration_ms": round(1000 * record.seconds, 2),
        "received_bytes": record.received_bytes,
        "sent_bytes": record.sent_bytes,
    }
    if record.problem:
        fields["problem"] = record.problem
    if record.kernels:
        fields["kernels"] = list(record.kernels)
    if record.pixels:
        fields["pixels"] = record.pixels
    fields |= {f"{name}_ms": spent for name, spent in milliseconds.items()}
    spent = ", ".join(f"{name} {time:.1f}" for name, time in milliseconds.items())
    access.log(
        level,
        "%s %s %d %s%.1f ms%s, %d bytes in, %d out, from %s",
        record.method, record.route, record.status, f"{record.problem} " if record.problem else "",
        fields["duration_ms"], f" ({spent})" if spent else "", record.received_bytes, record.sent_bytes, record.client,
        extra=fields,
    )  # fmt: skip
