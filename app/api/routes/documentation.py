"""`/docs`, the OpenAPI document and `/problems`: nothing is fetched from elsewhere."""

from html import escape
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from starlette.staticfiles import StaticFiles

from app.api.problems import PROBLEM_TYPES
from app.api.routes.openapi_security import describe_access
from app.middleware.headers import allow_inline
from app.settings import AccessSettings

ASSETS_PATH = "/docs/assets"
TAGS = [
    {"name": "filter", "description": "An image in, an image out."},
    {"name": "digits", "description": "Handwritten digits, read by the bundled network."},
    {"name": "kernels", "description": "What there is to filter with, and the arithmetic."},
    {"name": "service", "description": "The service itself."},
]


def serve_documentation(app: FastAPI, problem: type[BaseModel], access: AccessSettings) -> None:
    """Add Swagger UI with its assets from the package fastapi-offline, and a page that explains the errors."""
    if access.docs:
        serve_swagger(app)

    @app.get("/problems", include_in_schema=False)
    async def show_problems() -> HTMLResponse:
        page = write_problems_page()
        return HTMLResponse(page, headers={"Content-Security-Policy": allow_inline(page)})

    def build_openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                license_info=app.license_info,
                routes=app.routes,
                tags=TAGS,
            )
            document["components"]["schemas"]["Problem"] = problem.model_json_schema()
            describe_access(document, access)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = build_openapi  # type: ignore[method-assign]


def serve_swagger(app: FastAPI) -> None:
    assets = StaticFiles(directory=str(files("fastapi_offline").joinpath("static")))
    app.mount(ASSETS_PATH, assets, name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def show_docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url=app.openapi_url or "",
            title=f"{app.title}: the API",
            swagger_js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS_PATH}/favicon.png",
            swagger_ui_parameters={"validatorUrl": None, "displayRequestDuration": True},
        )
        page.headers["Content-Security-Policy"] = allow_inline(bytes(page.body).decode())
        return page


def write_problems_page() -> str:
    kinds = {kind.slug: kind for kind in PROBLEM_TYPES.values()}
    rows = "\n".join(
        f'<h2 id="{kind.slug}">{kind.status.value} {escape(kind.title)}</h2><p>{escape(kind.meaning)}</p>'
        for kind in kinds.values()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>convserve: problems</title>'
        "<style>body{font:16px/1.5 system-ui;max-width:42rem;margin:2rem auto;padding:0 1rem}</style>"
        f"<h1>Problems</h1><p>Errors are <code>application/problem+json</code>; <code>type</code> leads here.</p>{rows}"
    )
