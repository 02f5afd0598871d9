"""The dashboard and the alert rules use metrics and labels that the service has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from tests.support.images import draw_noise, encode

DASHBOARD = json.loads(Path("deploy/grafana/convserve.json").read_text())
RULES = yaml.safe_load(Path("deploy/prometheus/rules.yml").read_text())["groups"][0]["rules"]
ADDED_BY_PROMETHEUS = {"instance", "job"}


def list_dashboard_queries() -> list[str]:
    queries = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [query.replace("$__rate_interval", "5m") for query in queries]


def find_selectors(query: str) -> Iterator[Any]:
    """Every metric of a query with its matchers. Raises ValueError for invalid PromQL."""
    found: list[Any] = []

    def visit(node: Any) -> bool:
        found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(query), visit)
    return (node for node in found if isinstance(node, promql_parser.VectorSelector))


@pytest.fixture(scope="module")
def given(client: TestClient) -> dict[str, set[str]]:
    """The sample names of /metrics with their labels, after one request and one error."""
    image = encode(draw_noise(20, 20))
    assert client.post("/filter/edge", files={"file": ("a.png", image)}).status_code == 200
    assert client.post("/filter/edge", files={"file": ("a.png", b"")}).status_code == 422
    samples: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            samples.setdefault(sample.name, set()).update(sample.labels)
    return samples


QUERIES = list_dashboard_queries() + [rule["expr"] for rule in RULES]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_uses_metrics_and_labels_of_the_service(query: str, given: dict[str, set[str]]) -> None:
    selectors = list(find_selectors(query))
    assert selectors
    for selector in selectors:
        assert selector.name in given
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= given[selector.name] | ADDED_BY_PROMETHEUS
    grouped = {name for names in re.findall(r"by \(([^)]*)\)", query) for name in names.split(", ")}
    assert grouped <= set().union(*(given[selector.name] for selector in selectors)) | ADDED_BY_PROMETHEUS


def test_the_variables_of_the_dashboard_use_metrics_of_the_service(given: dict[str, set[str]]) -> None:
    variables = [variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
    for variable in variables:
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()  # type: ignore[union-attr]
        assert label in given[metric] | ADDED_BY_PROMETHEUS
    used = set(re.findall(r"\$(\w+)", json.dumps(DASHBOARD["panels"]))) - {"__rate_interval"}
    assert used == {variable["name"] for variable in variables}


def test_every_alert_has_a_remedy() -> None:
    guide = Path("docs/how-to/monitoring.md").read_text()
    for rule in RULES:
        assert f"`{rule['alert']}`" in guide
        assert {"summary"} <= set(rule["annotations"])
