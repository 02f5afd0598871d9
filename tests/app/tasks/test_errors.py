"""Errors as data: slug, message and fields."""

import pickle

import pytest

import app.errors
import app.images.errors
import kernels.errors
import models.errors
from app.errors import DeadlineError, TaskError, WorkTooLargeError
from app.images.errors import CorruptImageError, ImageError
from app.tasks.errors import SLUGS, UNEXPECTED, describe_error, find_slug
from kernels.errors import KernelParameterError, UnknownKernelError


def find_subclasses(base: type[Exception]) -> set[type[Exception]]:
    return {base}.union(*(find_subclasses(error) for error in base.__subclasses__()))


def test_every_error_has_a_slug() -> None:
    abstract = {kernels.errors.KernelError, app.images.errors.ImageError, app.errors.UnfinishedError}
    # StartError is raised before the service runs, and TaskError has its own slug.
    others = {app.errors.StartError, app.errors.TaskError}
    errors = find_subclasses(kernels.errors.KernelError) | find_subclasses(app.images.errors.ImageError)
    errors |= {error for error in vars(app.errors).values() if isinstance(error, type) and issubclass(error, Exception)}
    errors.add(models.errors.ClassFileError)  # the only one that a request can cause
    assert errors - abstract - others == set(SLUGS)


@pytest.mark.parametrize(
    ("error", "described"),
    [
        (
            UnknownKernelError("embos", ["emboss"]),
            ("unknown-kernel", "There is no kernel named 'embos'. Did you mean emboss?", {"did_you_mean": ["emboss"]}),
        ),
        (KernelParameterError("sigma", "too large"), ("bad-parameter", "too large", {"parameter": "sigma"})),
        (DeadlineError("too slow", 7), ("took-too-long", "too slow", {"retry_after_s": 7})),
        (CorruptImageError("cut short"), ("corrupt-image", "cut short", {})),
        (WorkTooLargeError("too much"), ("work-too-large", "too much", {})),
        (TaskError("blank-image", "no ink", {"a": 1}), ("blank-image", "no ink", {"a": 1})),
    ],
)
def test_error_is_described_as_plain_data(error: Exception, described: tuple[str, str, dict[str, object]]) -> None:
    assert describe_error(error) == described
    again = TaskError(*described)
    assert describe_error(again) == described
    assert str(again) == described[1]


def test_subclass_has_the_slug_of_its_base() -> None:
    class TruncatedImageError(CorruptImageError):
        pass

    assert find_slug(TruncatedImageError()) == "corrupt-image"


def test_unexpected_error_is_described_by_its_traceback() -> None:
    def break_something() -> None:
        raise ZeroDivisionError("the reason")

    for error in (ImageError("of no kind"), RuntimeError("the reason")):
        assert find_slug(error) == UNEXPECTED
    with pytest.raises(ZeroDivisionError) as caught:
        break_something()
    slug, message, fields = describe_error(caught.value)
    assert (slug, fields) == (UNEXPECTED, {})
    assert "in break_something" in message
    assert message.endswith("ZeroDivisionError: the reason\n")


def test_task_error_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(TaskError("unknown-kernel", "no such kernel", {"did_you_mean": ["blur"]})))
    assert describe_error(error) == ("unknown-kernel", "no such kernel", {"did_you_mean": ["blur"]})
