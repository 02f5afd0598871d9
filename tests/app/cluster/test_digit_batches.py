"""Several clients' digits in one batch: each gets the own answer. That they come together is Ray's doing."""

import asyncio
from typing import Any, cast

from app.cluster.pool import Reply
from app.cluster.serving import Digits
from app.errors import WorkerLostError
from app.images.errors import CorruptImageError
from app.settings import Settings
from app.tasks.classify import write_answers


class RecordedWorkers:
    """Answers with what it was given; `deadly` ends the process that works on it."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def run(self, work: Any, images: Any, settings: Settings, polarity: str, preview: bool) -> Any:
        self.calls.append((work, images))
        if b"deadly" in images:
            raise WorkerLostError
        return [CorruptImageError("cut") if image == b"bad" else (image, polarity) for image in images]


def classify(*asked: tuple[bytes, str]) -> tuple[list[Reply], RecordedWorkers]:
    digits = object.__new__(Digits)  # Ray awaits its __init__, which would start a process
    digits.settings, workers = Settings(), RecordedWorkers()
    digits.workers = workers  # type: ignore[assignment]
    images, polarities = zip(*asked, strict=True)
    together = cast(Any, Digits.classify).__wrapped__  # what Ray calls once several have asked
    settings, previews = [digits.settings] * len(asked), [False] * len(asked)
    return asyncio.run(together(digits, list(images), settings, list(polarities), previews)), workers


def test_all_that_ask_for_the_same_share_a_batch_and_each_gets_the_own_answer() -> None:
    replies, workers = classify((b"1", "auto"), (b"2", "dark"), (b"bad", "auto"), (b"3", "auto"))
    assert replies[0][:2] == ([(b"1", "auto")], None)
    assert replies[1][:2] == ([(b"2", "dark")], None)
    assert isinstance(replies[2][0][0], CorruptImageError)
    assert replies[3][:2] == ([(b"3", "auto")], None)
    assert workers.calls == [(write_answers, [b"1", b"bad", b"3"]), (write_answers, [b"2"])]


def test_an_image_that_ends_the_process_costs_its_own_request_only() -> None:
    replies, _ = classify((b"1", "auto"), (b"deadly", "auto"), (b"2", "auto"))
    assert [answer for answer, _, _ in replies] == [[(b"1", "auto")], None, [(b"2", "auto")]]
    assert isinstance(replies[1][1], WorkerLostError)
