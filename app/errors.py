"""Errors of the service that are not about one image or one kernel.

UnfinishedError                  nothing is wrong with the request; try again after `retry_after_s`
├── OverloadedError              too much work is waiting
├── DeadlineError                the work took longer than the limit
├── WorkerLostError              the worker process ended without a reply
├── TooManyConnectionsError      more connections than the limit
├── NoFilesLeftError             the process cannot open another file
└── TooMuchHeldError             unfinished uploads hold more memory than the limit
StartError                       the service or a job cannot start
"""

from collections.abc import Mapping
from typing import Any


class UnfinishedError(RuntimeError):
    """The work was not done, for no fault of the request. `retry_after_s` is when it is worth asking again."""

    def __init__(self, message: str = "", retry_after_s: int = 1) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class OverloadedError(UnfinishedError):
    """Too much work is waiting already."""


class DeadlineError(UnfinishedError):
    """The work took longer than the limit and was stopped. The message names the limit and its setting."""


class WorkerLostError(UnfinishedError):
    """The process that had the work ended without an answer."""


class StartError(RuntimeError):
    """The service or a job cannot start. The message says why."""


class TaskError(Exception):
    """A task of a worker process failed: `slug` identifies the problem type, `fields` belong to it."""

    def __init__(self, slug: str, message: str, fields: Mapping[str, Any] | None = None) -> None:
        self.slug = slug
        self.message = message
        self.fields = dict(fields or {})
        super().__init__(message)


class WorkTooLargeError(ValueError):
    """The convolution would cost more than the limit. The message names both and the setting that changes it."""


class UploadTooLargeError(ValueError):
    """The request body is larger than the limit."""


class UploadTypeError(ValueError):
    """The request body is neither a form nor an image."""


class TooManyFilesError(ValueError):
    """More files in one request than the limit."""


class UnknownHostError(ValueError):
    """The Host header names none of the names that the service may be called by."""


class UnauthorizedError(ValueError):
    """No token, or an unknown one."""

    def __init__(self, message: str, challenge: str) -> None:
        self.headers = {"WWW-Authenticate": challenge}
        super().__init__(message)


class RateLimitError(ValueError):
    """More requests from one client than the limit."""

    def __init__(self, message: str, headers: dict[str, str]) -> None:
        self.headers = headers
        super().__init__(message)


class NotAcceptableError(ValueError):
    """No format that the client accepts can be written."""


class NoTrainingRecordError(LookupError):
    """The digit model came without a record of its training."""


class MalformedRequestError(ValueError):
    """What came is not HTTP."""


class RequestHeadTooLargeError(ValueError):
    """The request line and headers are larger than the limit."""


class SlowClientError(TimeoutError):
    """The rest of the request did not come in time."""


class TooManyConnectionsError(UnfinishedError):
    """More connections than the limit, and none of them idle."""


class NoRoomError(OSError):
    """There is no room on the disk for an upload while it arrives."""


class NoFilesLeftError(UnfinishedError):
    """This process or the machine cannot open another file just now."""


class TooMuchHeldError(UnfinishedError):
    """Uploads that are still arriving take more memory than the limit, and this one is slow."""
