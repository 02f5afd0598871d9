"""Parsed filter requests are cached by their text, for each catalogue, and errors are not cached."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient

from app.api import operations
from app.api.operations import MAX_CACHED_TEXT, Chain, FilterText, cache_demands
from app.api.parameters import FilterQuery
from kernels.catalogue import Catalogue, Entry
from kernels.chain import Step
from kernels.errors import KernelError, KernelParameterError, UnknownKernelError
from tests.support.filtering import PHOTO
from tests.support.images import decode, encode


class CountingCatalogue(Catalogue):
    lookups = 0

    def __getitem__(self, name: str) -> Entry:
        self.lookups += 1
        return super().__getitem__(name)


def make_line(names: str, query_string: bytes = b"", **parameters: str) -> FilterText:
    return FilterText(names, query_string, (), FilterQuery.model_validate(parameters))


def make_form(names: str, **fields: Any) -> FilterText:
    return FilterText(names, b"", tuple(fields.items()), FilterQuery())


def cache_chains(catalogue: Catalogue) -> Callable[[FilterText], Chain]:
    parse = cache_demands(catalogue)
    return lambda text: parse(text).chain


def test_equal_request_lines_give_the_cached_chain() -> None:
    parse = cache_chains(Catalogue())
    first = parse(make_line("gaussian,edge", b"sigma=2", sigma="2"))
    assert first.operations == '[{"sigma": 2.0, "kernel": "gaussian"}, {"kernel": "edge"}]'
    assert [step.name for step in first.steps] == ["gaussian", "edge"]
    assert parse(make_line("gaussian,edge", b"sigma=2", sigma="2")) is first


def test_different_request_lines_give_different_chains() -> None:
    parse = cache_chains(Catalogue())
    lines = [
        make_line("gaussian", b"sigma=2", sigma="2"),
        make_line("gaussian", b"sigma=3", sigma="3"),
        make_line("gaussian", b""),
        make_line("blur", b""),
        make_line("gaussian,blur", b""),
    ]
    assert len({parse(line).operations for line in lines}) == len(lines)


def test_form_fields_are_part_of_the_text() -> None:
    parse = cache_demands(Catalogue())
    first = parse(make_form("gaussian", sigma="2", format="jpg"))
    assert (first.chain.operations, first.query.format) == ('[{"sigma": 2.0, "kernel": "gaussian"}]', "jpeg")
    assert parse(make_form("gaussian", sigma="2", format="jpg")) is first
    assert parse(make_form("gaussian", sigma="3", format="jpg")).chain.operations != first.chain.operations
    assert parse(make_form("gaussian", sigma="2")).query.format is None
    with pytest.raises(RequestValidationError):
        parse(make_form("gaussian", sigma="two"))


def test_values_of_json_that_are_equal_in_python_are_told_apart() -> None:
    parse = cache_demands(Catalogue())
    assert parse(make_form("blur", linear=1)).query.linear is True
    assert not make_form("blur", linear=1).is_cacheable
    with pytest.raises(RequestValidationError):
        parse(make_form("blur", linear=[]))


def test_catalogues_do_not_share_a_cache() -> None:
    extended = Catalogue().extended([Entry("own", "My own kernel", lambda: [PHOTO[:3, :3, 0].astype(float)])])
    (step,) = cache_chains(extended)(make_line("own")).steps
    assert isinstance(step, Step)
    assert step.kernel.title == "My own kernel"
    with pytest.raises(UnknownKernelError):
        cache_chains(Catalogue())(make_line("own"))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (make_line("embos"), UnknownKernelError),
        (make_line("gaussian", b"sigma=999", sigma="999"), KernelParameterError),
    ],
)
def test_errors_are_not_cached(line: FilterText, error: type[KernelError]) -> None:
    catalogue = CountingCatalogue()
    parse = cache_chains(catalogue)
    with pytest.raises(error):
        parse(line)
    lookups = catalogue.lookups
    assert lookups > 0
    with pytest.raises(error):
        parse(line)
    assert catalogue.lookups == 2 * lookups


def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_CACHED_REQUESTS", 2)
    parse = cache_chains(Catalogue())
    chains: list[Chain] = [parse(make_line(name)) for name in ("blur", "edge", "emboss")]
    assert parse(make_line("emboss")) is chains[2]
    assert parse(make_line("blur")) is not chains[0]
    assert make_line("blur", b"x" * MAX_CACHED_TEXT).is_cacheable
    assert not make_line("blur", b"x" * (MAX_CACHED_TEXT + 1)).is_cacheable


def test_form_fields_are_used_after_the_same_request_line_without_them(client: TestClient) -> None:
    files = {"file": encode(PHOTO)}
    edge = decode(client.post("/filter/box?border=wrap", files=files).content)
    wide = decode(client.post("/filter/box?border=wrap", files=files, data={"size": "7"}).content)
    again = decode(client.post("/filter/box?border=wrap", files=files).content)
    assert (again == edge).all()
    assert (wide != edge).any()


def test_long_queries_are_filtered_without_the_cache(client: TestClient) -> None:
    weights = ",".join(["0.000000001"] * 500)
    response = client.post(
        "/filter/custom", params={"weights": weights, "columns": "20"}, files={"file": encode(PHOTO)}
    )
    assert response.status_code == 200, response.text
