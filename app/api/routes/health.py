"""`GET /livez`: whether the process answers. `GET /readyz`: whether it is worth sending it work."""

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.dependencies import ServiceDependency
from app.api.problems import document_problems
from app.errors import OverloadedError

router = APIRouter(tags=["service"])


class Readiness(BaseModel):
    """The worker processes and the line before them."""

    status: str
    workers: int
    busy: int
    waiting: int
    oldest_wait_seconds: float


@router.get("/livez", operation_id="get_liveness", summary="Whether the service answers")
async def get_liveness() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz",
    operation_id="get_readiness",
    summary="Whether a worker is warm and the line is short: 503 says to send requests elsewhere",
    responses=document_problems(503),
)
async def get_readiness(service: ServiceDependency) -> Readiness:
    workers = service.pool
    if service.draining.is_set():
        raise OverloadedError("The service is stopping.")
    if workers.ready == 0:
        raise OverloadedError("No worker process is warm; they are being started.")
    if workers.oldest_wait_s > service.settings.max_wait_seconds / 2:
        raise OverloadedError(f"An upload has been waiting for {workers.oldest_wait_s:.1f} s.")
    return Readiness(
        status="ok",
        workers=workers.ready,
        busy=workers.busy,
        waiting=workers.waiting,
        oldest_wait_seconds=round(workers.oldest_wait_s, 3),
    )
