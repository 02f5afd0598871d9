"""Repeated request lines skip the validation of FastAPI, and nothing else changes."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel, BeforeValidator

from app.api import repeated_requests
from app.api.repeated_requests import RepeatableRoute

validated: list[Any] = []


class Parameters(BaseModel):
    size: Annotated[int, BeforeValidator(lambda value: validated.append(value) or value)] = 3


def get_app_name(request: Request) -> str:
    return str(request.app.title)


router = APIRouter(route_class=RepeatableRoute)


@router.post("/resize/{name}")
async def resize(
    request: Request, name: str, query: Annotated[Parameters, Query()], app: Annotated[str, Depends(get_app_name)]
) -> Response:
    body = (await request.body()).decode()
    return Response(f"{app} {name} {query.size} {body}", headers={"X-Sent": request.headers.get("x-sent", "")})


def make_client(title: str) -> TestClient:
    app = FastAPI(title=title)
    app.include_router(router)
    return TestClient(app)


@pytest.fixture
def client() -> Iterator[TestClient]:
    validated.clear()
    with make_client("app") as client:
        yield client


def test_a_line_is_validated_once(client: TestClient) -> None:
    for body in ("one", "two", "three"):
        assert client.post("/resize/a?size=5", content=body).text == f"app a 5 {body}"
    assert validated == ["5"]


def test_each_request_has_its_own_headers(client: TestClient) -> None:
    for value in ("one", "two"):
        assert client.post("/resize/a", headers={"X-Sent": value}).headers["x-sent"] == value


def test_other_paths_and_queries_are_other_lines(client: TestClient) -> None:
    urls = ["/resize/a?size=5", "/resize/b?size=5", "/resize/a?size=6", "/resize/a", "/resize/a?size=5&x=1"]
    expected = ["app a 5 ", "app b 5 ", "app a 6 ", "app a 3 ", "app a 5 "]
    for _ in range(2):
        assert [client.post(url).text for url in urls] == expected


def test_errors_are_found_each_time(client: TestClient) -> None:
    for _ in range(3):
        assert client.post("/resize/a?size=five").status_code == 422
    assert validated == ["five"] * 3


def test_apps_with_the_same_router_remember_apart(client: TestClient) -> None:
    with make_client("other") as other:
        for _ in range(2):
            assert client.post("/resize/a").text.split()[0] == "app"
            assert other.post("/resize/a").text.split()[0] == "other"


def test_the_memory_is_bounded(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated_requests, "MAX_REMEMBERED_LINES", 2)
    monkeypatch.setattr(repeated_requests, "MAX_REMEMBERED_QUERY_BYTES", 10)
    for size in ("1", "2", "3", "3", "2", "1"):  # 1 was forgotten, as the oldest
        client.post(f"/resize/a?size={size}")
    assert validated == ["1", "2", "3", "1"]
    for _ in range(2):
        client.post("/resize/a?size=4&comment=long")
    assert validated[4:] == ["4", "4"]


def test_arguments_from_headers_are_refused() -> None:
    with pytest.raises(AssertionError, match="the query does not determine the arguments"):

        @router.post("/agent")
        async def read_agent(request: Request, user_agent: Annotated[str, Header()]) -> Response:
            raise NotImplementedError
