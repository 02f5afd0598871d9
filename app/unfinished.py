"""Work that was not done, for no fault of the request."""


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
