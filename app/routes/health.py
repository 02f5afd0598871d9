"""`GET /livez`: whether the process answers."""

from fastapi import APIRouter

router = APIRouter(tags=["service"])


@router.get("/livez", operation_id="get_liveness", summary="Whether the service answers")
async def get_liveness() -> dict[str, str]:
    return {"status": "ok"}
