"""`GET /lessons`: the lessons of the web page."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from app.api.caching import NOT_MODIFIED, respond_with_etag
from app.api.dependencies import ServiceDependency
from app.api.problem_docs import document_problems
from app.lessons.lesson import Lesson

router = APIRouter(tags=["service"])


class LessonSummary(BaseModel):
    name: str
    title: str
    question: str
    tasks: Annotated[int, Field(description="Number of tasks.")]


class LessonFault(BaseModel):
    file: str
    line: Annotated[int, Field(description="From 1.")]
    message: Annotated[str, Field(description="What is wrong, and the fix.")]


class LessonList(BaseModel):
    lessons: list[LessonSummary]
    faults: Annotated[list[LessonFault], Field(description="Files that were left out.")]


@router.get(
    "/lessons",
    operation_id="list_lessons",
    summary="All lessons of the web page",
    response_model=LessonList,
    responses=NOT_MODIFIED,
)
async def list_lessons(request: Request, service: ServiceDependency) -> Response:
    lessons = [
        LessonSummary(name=name, title=lesson.title, question=lesson.question, tasks=len(lesson.tasks))
        for name, lesson in service.lessons.entries.items()
    ]
    faults = [LessonFault(file=one.file, line=one.line, message=one.message) for one in service.lessons.faults]
    listed = LessonList(lessons=lessons, faults=faults)
    return respond_with_etag(request, listed.model_dump_json().encode(), "application/json")


@router.get(
    "/lessons/{name}",
    operation_id="get_lesson",
    summary="One lesson: its text, where it starts, and its tasks",
    response_model=Lesson,
    responses=NOT_MODIFIED | document_problems(404, 422),
)
async def get_lesson(
    request: Request,
    service: ServiceDependency,
    name: Annotated[str, Path(max_length=64, description="A name from `/lessons`.")],
) -> Response:
    lesson = service.lessons.find(name)
    return respond_with_etag(request, lesson.model_dump_json(exclude_none=True).encode(), "application/json")
