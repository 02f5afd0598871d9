"""The problem types in the OpenAPI document, and the page /problems that explains them."""

import re
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


def render_problems_page(*style_sheets: str) -> str:
    """`style_sheets`: their addresses."""
    links = "".join(f'<link rel="stylesheet" href="{address}">' for address in style_sheets)
    sections = "\n".join(
        f'<section id="{kind.slug}" class="panel"><h2><span class="code">{kind.status.value}</span> '
        f"{escape(kind.title)}</h2><p>{mark_code(kind.meaning)}</p>"
        f'<p class="quiet"><code>/problems#{kind.slug}</code></p></section>'
        for kind in sorted(PROBLEM_TYPES.values(), key=lambda kind: kind.status)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f'<title>convserve: error reference</title><link rel="icon" href="/favicon.ico">{links}</head>'
        '<body><header class="top"><a class="brand" href="/"><img src="/favicon.ico" alt="" width="28" height="28"> '
        "convserve</a></header>"
        '<main><h1>Error reference</h1><p class="lead">Errors are <code>application/problem+json</code> '
        "(RFC 9457). Their <code>type</code> is one of these addresses.</p>"
        f"{sections}</main></body></html>"
    )


def mark_code(text: str) -> str:
    """HTML. What is in backticks, and names of settings, become code."""
    return re.sub(
        r"`([^`]+)`|\b(CONVSERVE_[A-Z_]+)", lambda found: f"<code>{found[1] or found[2]}</code>", escape(text)
    )
