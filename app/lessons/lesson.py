"""What a lesson consists of. docs/how-to/write-a-lesson.md describes the fields for authors."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

FIELD_SIDE = 28
"""Rows and columns of a drawing: the input of the digit network."""
MAX_TEXT_CHARACTERS = 5000
LINK = re.compile(r"\[[^\]]*\]\(([^)]*)\)")


def check_links(text: str) -> str:
    for target in LINK.findall(text):
        if not target.startswith(("#", "https://")):
            raise ValueError(
                f"the link leads to '{target}'; it may begin with '#' (an address of the page) or https://"
            )
    return text


def check_drawing(drawing: str) -> str:
    rows = drawing.strip("\n").split("\n")
    if len(rows) != FIELD_SIDE:
        raise ValueError(f"the drawing has {len(rows)} rows; it needs {FIELD_SIDE}")
    for number, row in enumerate(rows, 1):
        if len(row) != FIELD_SIDE:
            raise ValueError(f"row {number} of the drawing has {len(row)} characters; it needs {FIELD_SIDE}")
        wrong = re.search(r"[^.1-9]", row)
        if wrong:
            raise ValueError(f"row {number} of the drawing has '{wrong[0]}'; use '.' for no ink and 1 to 9 for ink")
    return "\n".join(rows)


def check_address(address: str) -> str:
    """Only the form. `app/lessons/page_address.py` checks what an address names."""
    if not address.startswith("#"):
        raise ValueError(f"'{address[:60]}' is not an address of the page; copy it from the browser, from '#' on")
    return address


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS), AfterValidator(check_links)]
"""Paragraphs are separated by an empty line. `code`, *emphasis*, **strong** and [links](#filter) have a meaning."""
Address = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS), AfterValidator(check_address)]
"""The part of a page address from `#` on."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(Part):
    """One of the answers to a question."""

    text: Text
    correct: bool = False
    feedback: Text | None = None


class ChoiceTask(Part):
    """Right if the correct choice is chosen."""

    check: Literal["choice"]
    text: Text
    choices: Annotated[tuple[Choice, ...], Field(min_length=2, max_length=6)]

    @model_validator(mode="after")
    def has_one_answer(self) -> "ChoiceTask":
        count = sum(choice.correct for choice in self.choices)
        if count != 1:
            raise ValueError(f"{count} choices are correct; give one of them `correct = true`")
        return self


class EdgesTask(Part):
    """Right if the steps of the filter view respond to these edges, and to others at most `max_other` times as much."""

    check: Literal["responds-only-to"]
    text: Text
    edges: Literal[
        "vertical", "horizontal", "vertical-brighter-right", "vertical-brighter-left", "horizontal-brighter-below",
        "horizontal-brighter-above",
    ]  # fmt: skip
    max_other: Annotated[float, Field(ge=0, lt=1)] = 0.1


class TargetTask(Part):
    """Right if the result of the filter view is that of the address `target`, up to an error.

    The peak signal-to-noise ratio must be at least `min_db`. `kernels` are the only ones that may be used, `max_steps`
    limits the length of the chain.
    """

    check: Literal["near-target"]
    text: Text
    target: Address
    min_db: Annotated[float, Field(gt=0, le=100)] = 40
    kernels: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    max_steps: Annotated[int, Field(ge=1, le=10)] | None = None


class DigitTask(Part):
    """Right if the network reads the drawing as `digit`, with at most `max_changed_pixels` of the lesson's drawing."""

    check: Literal["reads-digit"]
    text: Text
    digit: Annotated[int, Field(ge=0, le=9)]
    max_changed_pixels: Annotated[int, Field(ge=1, le=FIELD_SIDE**2)] | None = None


Task = Annotated[ChoiceTask | EdgesTask | TargetTask | DigitTask, Field(discriminator="check")]
CHECKS = ("choice", "responds-only-to", "near-target", "reads-digit")


class Lesson(Part):
    """`start` is the address that the page opens. `drawing` has 28 rows of `.` and 1 to 9, from no ink to full ink."""

    title: Annotated[str, Field(min_length=1, max_length=100)]
    question: Annotated[str, Field(min_length=1, max_length=200)]
    text: Text
    start: Address
    drawing: Annotated[str, AfterValidator(check_drawing)] | None = None
    tasks: Annotated[tuple[Task, ...], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def has_what_tasks_need(self) -> "Lesson":
        for number, task in enumerate(self.tasks, 1):
            if isinstance(task, DigitTask) and task.max_changed_pixels and not self.drawing:
                raise ValueError(f"task {number} counts changed pixels; give the lesson a `drawing` to start from")
        if self.drawing and not self.start.startswith("#digits"):
            raise ValueError(f"the lesson has a drawing, but starts at {self.start}; start it at #digits")
        return self
