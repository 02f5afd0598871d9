"""Errors as data: the slug of a problem type, a message and fields.

Worker processes send errors in this form, and `app/api/problems.py` renders them. Example:

    UnknownKernelError("embos", ["emboss"])
    ("unknown-kernel", "There is no kernel named 'embos'. Did you mean emboss?", {"did_you_mean": ["emboss"]})
"""

import traceback
from collections.abc import Mapping
from typing import Any

from app import errors
from app.images import errors as image_errors
from kernels import errors as kernel_errors
from models import errors as model_errors

SLUGS: Mapping[type[Exception], str] = {
    kernel_errors.UnknownKernelError: "unknown-kernel",
    kernel_errors.KernelParameterError: "bad-parameter",
    kernel_errors.PairError: "bad-parameter",
    kernel_errors.UndeterminedKernelError: "bad-parameter",
    kernel_errors.KernelFileError: "bad-kernels-file",
    image_errors.UnreadableFormatError: "unsupported-image",
    image_errors.EmptyImageError: "empty-image",
    image_errors.CorruptImageError: "corrupt-image",
    image_errors.ImageTooLargeError: "image-too-large",
    image_errors.ImageTooComplexError: "image-too-complex",
    image_errors.BlankImageError: "blank-image",
    image_errors.UnwritableFormatError: "unwritable-format",
    model_errors.ClassFileError: "bad-class-file",
    errors.WorkTooLargeError: "work-too-large",
    errors.UploadTooLargeError: "upload-too-large",
    errors.UploadTypeError: "unsupported-upload",
    errors.TooManyFilesError: "too-many-files",
    errors.UnknownHostError: "unknown-host",
    errors.UnauthorizedError: "unauthorized",
    errors.RateLimitError: "too-many-requests",
    errors.NotAcceptableError: "not-acceptable",
    errors.NoTrainingRecordError: "no-training-record",
    errors.UnknownModelError: "unknown-model",
    errors.UnknownLessonError: "unknown-lesson",
    errors.InferenceRequestError: "bad-inference-request",
    errors.MalformedRequestError: "malformed-request",
    errors.RequestHeadTooLargeError: "request-head-too-large",
    errors.SlowClientError: "slow-client",
    errors.TooManyConnectionsError: "too-many-connections",
    errors.NoRoomError: "no-room",
    errors.NoFilesLeftError: "no-files-left",
    errors.TooMuchHeldError: "too-much-held",
    errors.OverloadedError: "overloaded",
    errors.DeadlineError: "took-too-long",
    errors.WorkerLostError: "worker-lost",
}
"""A subclass has the slug of its nearest base class."""
UNEXPECTED = "unexpected-error"
"""The slug of all other exceptions. It has no problem type: the response is a 500, and the log has the traceback."""


def find_slug(error: Exception) -> str:
    if isinstance(error, errors.TaskError):
        return error.slug
    return next((SLUGS[cls] for cls in type(error).__mro__ if cls in SLUGS), UNEXPECTED)


def describe_error(error: Exception) -> tuple[str, str, dict[str, Any]]:
    """Slug, message and fields as plain data. The message of an unexpected error is its traceback."""
    slug = find_slug(error)
    if isinstance(error, errors.TaskError):
        return slug, error.message, error.fields
    if slug == UNEXPECTED:
        return slug, "".join(traceback.format_exception(error)), {}
    fields: dict[str, Any] = {}
    if isinstance(error, kernel_errors.UnknownKernelError):
        fields["did_you_mean"] = error.nearest
    elif isinstance(error, kernel_errors.KernelParameterError):
        fields["parameter"] = error.parameter
    elif isinstance(error, errors.UnfinishedError):
        fields["retry_after_s"] = error.retry_after_s
    return slug, str(error), fields
