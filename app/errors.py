"""Errors of the service itself. Those of images are in app/images/errors.py, those of kernels in kernels/errors.py.

UnfinishedError                  the request is valid; the client may retry it after `retry_after_s`
├── OverloadedError              the queue is full, or the wait for a worker was too long
├── DeadlineError                the work took longer than the limit
├── WorkerLostError              the worker process ended without a reply
├── TooManyConnectionsError      the connection limit is reached
├── NoFilesLeftError             the process cannot open another file
└── TooMuchHeldError             unfinished transfers hold more memory than the limit
TaskError                        an error of a worker process, as data
StartError                       the service or a job cannot start

`app/tasks/errors.py` maps each of them to the slug of a problem type (`app/api/problems.py`).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class ErrorResponse(NamedTuple):
    """An error as an HTTP response. `app/api/problems.py` renders it for the server and the middleware."""

    status: int
    slug: str
    """Names the kind of error in logs and metrics."""
    headers: list[tuple[bytes, bytes]]
    """Without Content-Length."""
    body: bytes


class TaskError(Exception):
    """An error that a worker process sent: the slug of a problem type, a message and fields.

    Fields with a meaning: `did_you_mean` (list of str), `parameter` (str) and `retry_after_s` (int).
    """

    def __init__(self, slug: str, message: str, fields: Mapping[str, Any] | None = None) -> None:
        self.slug = slug
        self.message = message
        self.fields: dict[str, Any] = dict(fields or {})
        super().__init__(slug, message, self.fields)  # all arguments, so that a pickle can rebuild the error

    def __str__(self) -> str:
        return self.message


class StartError(RuntimeError):
    """The service or a job cannot start. The message gives the reason."""


class UnfinishedError(RuntimeError):
    """The work was not done, and the request is not the reason. The client may retry after `retry_after_s`."""

    def __init__(self, message: str = "", retry_after_s: int = 1) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class OverloadedError(UnfinishedError):
    """The queue is full, or the wait for a worker was too long."""


class DeadlineError(UnfinishedError):
    """The work took longer than the limit and was stopped. The message gives the limit and its setting."""


class WorkerLostError(UnfinishedError):
    """The worker process ended without a reply."""


class TooManyConnectionsError(UnfinishedError):
    """The connection limit is reached, and no connection is idle."""


class NoFilesLeftError(UnfinishedError):
    """The process or the machine cannot open another file."""


class TooMuchHeldError(UnfinishedError):
    """Unfinished uploads and unread responses hold more memory than the limit, and this client is among the slowest."""


class WorkTooLargeError(ValueError):
    """The convolution would cost more than the limit. The message gives the cost, the limit and its setting."""


class UploadTooLargeError(ValueError):
    """The request body is larger than the limit."""


class UploadTypeError(ValueError):
    """The request body is neither a form nor an image, or is compressed. `headers` are headers of the response."""

    def __init__(self, message: str, headers: dict[str, str] | None = None) -> None:
        self.headers = headers or {}
        super().__init__(message)


class TooManyFilesError(ValueError):
    """The request has more files than the limit."""


class UnknownHostError(ValueError):
    """The Host header is not in the list of allowed hosts."""


class UnauthorizedError(ValueError):
    """The request has no token, or an invalid one. `headers` are headers of the response."""

    def __init__(self, message: str, challenge: str) -> None:
        self.headers = {"WWW-Authenticate": challenge}
        super().__init__(message)


class RateLimitError(ValueError):
    """The client sent more requests than the limit. `headers` are headers of the response."""

    def __init__(self, message: str, headers: dict[str, str]) -> None:
        self.headers = headers
        super().__init__(message)


class NotAcceptableError(ValueError):
    """The Accept header allows none of the formats that the service can write."""


class UnknownLessonError(LookupError):
    """There is no lesson with this name."""


class NoTrainingRecordError(LookupError):
    """The digit model has no record of its training."""


class UnknownModelError(LookupError):
    """The request names a model or a version that the service does not have."""


class InferenceRequestError(ValueError):
    """The body is not an inference request of the Open Inference Protocol, or does not fit the model."""


class MalformedRequestError(ValueError):
    """The bytes on the connection are not an HTTP request."""


class RequestHeadTooLargeError(ValueError):
    """The request line and headers are larger than the limit."""


class SlowClientError(TimeoutError):
    """The rest of the request did not arrive in time."""


class NoRoomError(OSError):
    """The disk has no room for an upload."""
