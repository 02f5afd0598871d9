"""The problem types in the OpenAPI document, and the page /problems that explains them."""

from html import escape
from http import HTTPStatus
from typing import Any

from app.api.problem_types import PROBLEM_TYPES, ProblemType
from app.api.problems import MEDIA_TYPE


def document_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses with these statuses, for the `responses` of a route."""
    return {
        status: {
            "description": "; ".join(kind.title for kind in list_problem_types(status)) or HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.slug: {"value": make_example(kind)} for kind in list_problem_types(status)},
                }
            },
        }
        for status in statuses
    }


def list_problem_types(status: int) -> list[ProblemType]:
    """The problem types with a status. None for 500: the response to an unexpected error has no problem type."""
    return [kind for kind in PROBLEM_TYPES.values() if kind.status == status and status != 500]


def make_example(kind: ProblemType) -> dict[str, Any]:
    return {
        "type": f"/problems#{kind.slug}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": kind.meaning,
        "request_id": "5bd3f0f5c3c44d5f8a1f0f5f3c1e9a77",
    }


def render_problems_page() -> str:
    rows = "\n".join(
        f'<h2 id="{kind.slug}">{kind.status.value} {escape(kind.title)}</h2><p>{escape(kind.meaning)}</p>'
        for kind in PROBLEM_TYPES.values()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>convserve: problems</title>'
        "<style>body{font:16px/1.5 system-ui;max-width:42rem;margin:2rem auto;padding:0 1rem}</style>"
        "<h1>Problems</h1><p>Errors are <code>application/problem+json</code>; their <code>type</code> links here.</p>"
        f"{rows}"
    )
