"""All routes of the service."""

from fastapi import Depends, FastAPI

from app.api.repeated_parameters import reject_repeated_in_query
from app.api.routes import (
    digits,
    documentation,
    explanation,
    filter,
    gallery,
    health,
    home,
    inference,
    kernels,
    learn,
    lessons,
    metrics,
    samples,
    size,
)
from app.settings import AccessSettings


def include_routers(app: FastAPI, access: AccessSettings) -> None:
    for module in (
        filter,
        gallery,
        learn,
        digits,
        explanation,
        kernels,
        lessons,
        size,
        home,
        samples,
        health,
        inference,
    ):
        app.include_router(module.router, dependencies=[Depends(reject_repeated_in_query)])
    if access.metrics and access.metrics_port is None:
        app.include_router(metrics.router)
    home.serve_page_files(app)
    documentation.serve_documentation(app, access)
