"""The record of each request, and its log line, metrics and trace."""

from opentelemetry.trace import TracerProvider, get_current_span
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.context import REQUEST_ID_HEADER, UNMATCHED, Record, choose_request_id, current_record
from app.observability.logs import log_request
from app.observability.metrics import Metrics
from app.observability.tracing import add_steps, find_trace_id


class Observe:
    """Keeps the record of a request, and reports it to logs, metrics and traces when the response has ended.

    It is outside of all other middleware, so that it also sees rejected requests and unexpected errors.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, tracing: TracerProvider | None) -> None:
        self.app = app
        self.metrics = metrics
        self.tracer = tracing.get_tracer("convserve") if tracing else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        client = scope.get("client")
        record = Record(
            choose_request_id(Headers(scope=scope).get(REQUEST_ID_HEADER, "")),
            method=scope["method"],
            client=client[0] if client else "",
        )
        # Not reset at the end, so that later log lines of the server, such as a traceback, have the id too.
        current_record.set(record)
        scope["record"] = record  # for the server, which rejects a request whose body does not arrive
        if self.tracer:
            record.trace_id = find_trace_id()
            get_current_span().set_attribute("convserve.request.id", record.id)
        header = (REQUEST_ID_HEADER.lower().encode(), record.id.encode())

        async def receive_and_count() -> Message:
            message = await receive()
            record.received_bytes += len(message.get("body", b""))
            return message

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), header]}
            elif message["type"] == "http.response.body":
                record.sent_bytes += len(message.get("body", b""))
            await send(message)

        self.metrics.in_progress.inc()
        try:
            await self.app(scope, receive_and_count, send_and_count)
        finally:
            record.route = find_route(scope)
            self.metrics.in_progress.dec()
            self.metrics.count(record)
            log_request(record)
            if self.tracer:
                add_steps(record, self.tracer)


def find_route(scope: Scope) -> str:
    """The path template, such as `/filter/{kernel}`. It bounds the number of metric series."""
    if "route" in scope:
        return str(scope["route"].path)
    if "app_root_path" in scope:  # a mounted folder
        return f"{scope['root_path'].removeprefix(scope['app_root_path'])}/{{path}}"
    return UNMATCHED
