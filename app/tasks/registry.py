"""The tasks of the worker processes, by name."""

import os

from app.pool.ipc import TaskFailure
from app.pool.task import Registry
from app.settings import Settings
from app.system import count_cores
from app.tasks import learn_layers
from app.tasks.classify import CLASSIFY, load_reader
from app.tasks.classify_fields import CLASSIFY_FIELDS
from app.tasks.context import TaskContext, build_context, check_model
from app.tasks.describe_kernel import KERNEL_PREVIEW
from app.tasks.errors import UNEXPECTED, describe_error
from app.tasks.explain_digit import EXPLAIN_DIGIT
from app.tasks.explain_digit_sheet import EXPLAIN_DIGIT_SHEET
from app.tasks.explain_filter import EXPLAIN_FILTER
from app.tasks.filter import FILTER
from app.tasks.gallery import CONTACT_SHEET, TILES
from app.tasks.learn import LEARN
from app.tasks.learn_stream import CONTINUE, FINISH, START
from app.tasks.model_weights import MODEL_WEIGHTS
from app.tasks.read import READ
from app.tasks.samples import SAMPLE

TASKS = (
    FILTER, EXPLAIN_FILTER, CONTACT_SHEET, TILES, KERNEL_PREVIEW, SAMPLE, CLASSIFY, CLASSIFY_FIELDS, READ,
    MODEL_WEIGHTS, EXPLAIN_DIGIT, EXPLAIN_DIGIT_SHEET, LEARN, START, CONTINUE, FINISH,
    learn_layers.START, learn_layers.CONTINUE, learn_layers.FINISH,
)  # fmt: skip


def start(settings: Settings, static: bytes) -> TaskContext:
    """Import TensorFlow, filter once and load the digit reader. Raises ModelFolderError."""
    context, model_sha256 = build_context(settings, static)
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    # NumPy's threads wait in a busy loop, on the cores of the other workers.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(max(1, count_cores() // settings.workers)))
    import cv2

    from kernels.apply.conv2d import warm_up

    # With two threads a 1920x1080 image costs a third more CPU and takes as long.
    cv2.setNumThreads(1)
    warm_up()
    reader = load_reader(settings.model_folder)
    check_model(reader.card, model_sha256)
    reader.warm_up()
    return context


def describe_failure(error: Exception) -> TaskFailure | None:
    """The failure for an exception with a problem type; None for an unexpected exception."""
    slug, message, fields = describe_error(error)
    return None if slug == UNEXPECTED else TaskFailure(slug, message, fields)


REGISTRY = Registry({task.name: task for task in TASKS}, start, describe_failure)
