"""`/docs`, the OpenAPI document and `/problems`. The pages load nothing from other sites."""

from importlib.metadata import version
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.api.openapi_security import describe_access
from app.api.page_files import address_file
from app.api.problem_docs import render_problems_page
from app.api.problems import Problem
from app.middleware.headers import allow_inline
from app.settings import AccessSettings

ASSETS_PATH = "/docs/assets"
DESCRIPTION = """
Send an image and the name of a kernel, and get the filtered image, exact to the pixel. The convolution is TensorFlow's
`tf.nn.conv2d`. Kernels are applied as written (correlation).

```
curl -F file=@photo.jpg http://localhost:8000/filter/emboss -o emboss.jpg
```
"""
TAGS = [
    {"name": "filter", "description": "Filter images, and find the kernel between two images."},
    {"name": "digits", "description": "Read handwritten digits with the bundled network."},
    {"name": "kernels", "description": "The kernels, and the size of a result."},
    {"name": "Open Inference Protocol", "description": "The digit model for clients of Triton, KServe and MLServer."},
    {"name": "service", "description": "The web page, sample images, health and metrics."},
]


def describe_api(access: AccessSettings) -> dict[str, Any]:
    """FastAPI's options for the OpenAPI document. FastAPI's own pages are off: they load scripts from other sites."""
    return {
        "title": "convserve",
        "description": DESCRIPTION,
        "version": version("convserve"),
        "license_info": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        "openapi_tags": TAGS,
        "openapi_url": "/openapi.json" if access.docs else None,
        "docs_url": None,
        "redoc_url": None,
        "redirect_slashes": False,  # a middleware drops the slash (`app/middleware/trailing_slash.py`)
    }


def serve_documentation(app: FastAPI, access: AccessSettings) -> None:
    """Add the OpenAPI document, Swagger UI with the assets of the package fastapi-offline, and the page /problems."""
    if access.docs:
        serve_swagger(app)

    @app.get("/problems", include_in_schema=False)
    async def show_problems() -> HTMLResponse:
        page = render_problems_page(address_file("css/page.css"), address_file("css/problems.css"))
        return HTMLResponse(page, headers={"Content-Security-Policy": allow_inline(page)})

    def build_openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                license_info=app.license_info,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
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
        html = complete_page(bytes(page.body).decode())
        # Swagger UI shows the image of a response by a blob: address.
        return HTMLResponse(html, headers={"Content-Security-Policy": allow_inline(html, "'self' data: blob:")})


def complete_page(html: str) -> str:
    """The page of Swagger UI with its language, its landmark, enough contrast and names for assistive technology."""
    additions = (
        f'<link rel="stylesheet" href="{address_file("css/docs.css")}">'
        f'<script type="module" src="{address_file("js/docs/accessible-names.js")}"></script>'
    )
    changes = {
        "<html>": '<html lang="en">',
        "</head>": f"{additions}</head>",
        '<div id="swagger-ui">': '<div id="swagger-ui" role="main">',
    }
    for part, change in changes.items():
        html = html.replace(part, change, 1)
    return html
