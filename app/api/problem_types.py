"""The table of problem types: slug, status, title and meaning of every kind of error."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from app.images.formats import READABLE


@dataclass(frozen=True)
class ProblemType:
    """A kind of error. `slug` is its anchor on the page /problems. All its problems have the same title."""

    slug: str
    status: HTTPStatus
    title: str
    meaning: str


TYPES = (
    ProblemType(
        "unknown-kernel", HTTPStatus.NOT_FOUND, "Unknown kernel",
        "No kernel has this name. `did_you_mean` lists similar names; GET /kernels lists all names.",
    ),
    ProblemType(
        "bad-parameter", HTTPStatus.UNPROCESSABLE_ENTITY, "Bad parameter",
        "A parameter is missing, unknown, out of range, or does not fit the kernel or the image.",
    ),
    ProblemType(
        "upload-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Upload too large",
        "The request body has more bytes than CONVSERVE_MAX_UPLOAD_BYTES.",
    ),
    ProblemType(
        "image-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Image too large",
        "The image has more pixels (width × height × frames) than CONVSERVE_MAX_PIXELS.",
    ),
    ProblemType(
        "image-too-complex", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Image too complex to decode",
        "A decompression bomb: too many scans (CONVSERVE_MAX_JPEG_SCANS), frames (CONVSERVE_MAX_FRAMES) or blocks, "
        "or too much metadata (CONVSERVE_MAX_METADATA_BYTES).",
    ),
    ProblemType(
        "work-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too much work",
        "The convolution needs more multiplications than CONVSERVE_MAX_MULTIPLY_ADDS.",
    ),
    ProblemType(
        "too-many-files", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too many files",
        "The request has more images than CONVSERVE_MAX_DIGIT_FILES.",
    ),
    ProblemType(
        "unknown-host", HTTPStatus.BAD_REQUEST, "Unknown host",
        "The Host header is not in CONVSERVE_ALLOWED_HOSTS.",
    ),
    ProblemType(
        "unauthorized", HTTPStatus.UNAUTHORIZED, "Unauthorized",
        "The request has no bearer token, or an invalid one.",
    ),
    ProblemType(
        "too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests",
        "The client sent more requests than CONVSERVE_RATE_LIMIT allows. Retry-After gives the time to wait.",
    ),
    ProblemType(
        "unsupported-upload", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported upload",
        "The request body is neither a form with a field `file`, nor an image, nor JSON with a `file` in base64, or it "
        "is compressed (Content-Encoding).",
    ),
    ProblemType(
        "unsupported-image", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not an image of an accepted format",
        "The format is detected from the content, not from the name. Accepted formats: "
        + ", ".join(format.name for format in READABLE) + ".",
    ),
    ProblemType("empty-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Empty image", "The image has 0 bytes."),
    ProblemType(
        "corrupt-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Corrupt image",
        "The image is damaged or truncated. The service never returns a partly decoded image.",
    ),
    ProblemType(
        "blank-image", HTTPStatus.UNPROCESSABLE_ENTITY, "Blank image",
        "The image has no ink, so there is no result to explain.",
    ),
    ProblemType(
        "unwritable-format", HTTPStatus.UNPROCESSABLE_ENTITY, "Result does not fit the format",
        "The requested format cannot hold the result: for example an animation as JPEG, or raw numbers as PNG.",
    ),
    ProblemType(
        "not-acceptable", HTTPStatus.NOT_ACCEPTABLE, "No acceptable format",
        "The Accept header allows none of the formats that the service can write.",
    ),
    ProblemType(
        "no-training-record", HTTPStatus.NOT_FOUND, "No training record",
        "The model card has no `figures.curves`. `convserve train` writes them.",
    ),
    ProblemType(
        "malformed-request", HTTPStatus.BAD_REQUEST, "Malformed request",
        "The bytes on the connection are not an HTTP request. The connection is closed.",
    ),
    ProblemType(
        "request-head-too-large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request head too large",
        "The request line and headers have more bytes than CONVSERVE_MAX_HEADER_BYTES. The connection is closed. "
        "Long weights may be a form field.",
    ),
    ProblemType(
        "slow-client", HTTPStatus.REQUEST_TIMEOUT, "Request arrived too slowly",
        "The headers took longer than CONVSERVE_HEADER_SECONDS, or the body stayed below "
        "CONVSERVE_MIN_BYTES_PER_SECOND for CONVSERVE_STALL_SECONDS. The connection is closed.",
    ),
    ProblemType(
        "too-many-connections", HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections",
        "CONVSERVE_MAX_CONNECTIONS are open and busy. The connection is closed. Retry-After gives the time to wait.",
    ),
    ProblemType(
        "no-room", HTTPStatus.INSUFFICIENT_STORAGE, "No room for the upload",
        "Large uploads are stored in the temporary folder while they arrive, and its disk is full.",
    ),
    ProblemType(
        "no-files-left", HTTPStatus.SERVICE_UNAVAILABLE, "No file handles left",
        "The service cannot open another file. Retry-After gives the time to wait.",
    ),
    ProblemType(
        "too-much-held", HTTPStatus.SERVICE_UNAVAILABLE, "Too much data in transfer",
        "Unfinished uploads and unread responses hold CONVSERVE_MAX_HELD_BYTES, and this client is among the slowest.",
    ),
    ProblemType(
        "overloaded", HTTPStatus.SERVICE_UNAVAILABLE, "Overloaded",
        "All workers are busy, and the queue is full or the wait was too long. The request was not processed. "
        "Retry-After gives the time to wait.",
    ),
    ProblemType(
        "took-too-long", HTTPStatus.SERVICE_UNAVAILABLE, "Took too long",
        "The work was stopped after CONVSERVE_DEADLINE_SECONDS.",
    ),
    ProblemType(
        "unknown-model", HTTPStatus.NOT_FOUND, "Unknown model",
        "The Open Inference Protocol (/v2) has one model, `digits`, in the version that GET /v2/models/digits lists. "
        "GET /model/weights has the weights that GET /model describes.",
    ),
    ProblemType(
        "unknown-lesson", HTTPStatus.NOT_FOUND, "Unknown lesson",
        "No lesson has this name. GET /lessons lists the names, and the files that were left out.",
    ),
    ProblemType(
        "bad-class-file", HTTPStatus.UNPROCESSABLE_ENTITY, "Bad class file",
        "The classes are damaged, or were trained with the features of another digit model.",
    ),
    ProblemType(
        "bad-inference-request", HTTPStatus.BAD_REQUEST, "Bad inference request",
        "The body is not an inference request of the Open Inference Protocol, or its inputs do not fit the model.",
    ),
    ProblemType(
        "worker-lost", HTTPStatus.SERVICE_UNAVAILABLE, "Worker lost",
        "The worker process ended without a reply. The client may retry the request.",
    ),
    ProblemType(
        "bad-kernels-file", HTTPStatus.INTERNAL_SERVER_ERROR, "Bad kernels file",
        "The file CONVSERVE_KERNELS_FILE is invalid, so the service does not start. No response has this problem.",
    ),
)  # fmt: skip
PROBLEM_TYPES: Mapping[str, ProblemType] = {kind.slug: kind for kind in TYPES}
