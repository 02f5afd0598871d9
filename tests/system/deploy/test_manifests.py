"""compose.yaml and the Kubernetes manifests are valid and fit this service."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from app.main import create_app
from app.settings import Settings

KUBERNETES = Path("deploy/kubernetes")
RESOURCES = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.fixture
def deployment() -> Any:
    return read(KUBERNETES / "deployment.yaml")


@pytest.fixture
def container(deployment: Any) -> Any:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container


def test_the_compose_file_is_valid() -> None:
    compose = PyCompose.from_yaml(Path("compose.yaml").read_text())
    compose.validate()
    assert set(compose.service_names()) == {"convserve", "prometheus", "grafana"}


def test_the_mounts_of_the_compose_file_exist() -> None:
    compose = read(Path("compose.yaml"))
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert Path(source).exists() if source.startswith(".") else source in compose["volumes"], (name, volume)


def test_the_composed_service_has_minimal_privileges() -> None:
    service = read(Path("compose.yaml"))["services"]["convserve"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert [place.split(":")[0] for place in service["tmpfs"]] == ["/tmp"]
    assert service["ports"] == [f"{Settings.model_fields['port'].default}:8000"]
    Settings(**{name.removeprefix("CONVSERVE_").lower(): value for name, value in service["environment"].items()})


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: path.stem)
def test_a_manifest_is_valid(path: Path) -> None:
    kubernetes_validate.validate(read(path), kubernetes_validate.latest_version(), strict=True)


def test_the_validator_rejects_a_misspelt_field() -> None:
    deployment = read(KUBERNETES / "deployment.yaml")
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, kubernetes_validate.latest_version(), strict=True)


def test_the_kustomization_lists_every_manifest() -> None:
    kustomization = read(KUBERNETES / "kustomization.yaml")
    assert sorted(kustomization["resources"]) == [path.name for path in RESOURCES]


def test_probes_use_routes_of_the_service(container: Any) -> None:
    paths = create_app().openapi()["paths"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": Settings.model_fields["port"].default}
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert all(probe["port"] == "http" and "get" in paths[probe["path"]] for probe in probes.values())
    assert probes["readinessProbe"]["path"] == "/readyz"
    # A busy or draining service must not be restarted.
    assert probes["livenessProbe"]["path"] == "/livez"


def test_the_pod_has_minimal_privileges(deployment: Any, container: Any) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert f"--uid {pod['securityContext']['runAsUser']} " in Path("Dockerfile").read_text()
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    (mount,) = container["volumeMounts"]  # TensorFlow's import and large uploads need a temporary folder
    assert mount["mountPath"] == "/tmp"
    assert [volume["name"] for volume in pod["volumes"] if "emptyDir" in volume] == [mount["name"]]


def test_the_grace_period_covers_requests_in_work(deployment: Any) -> None:
    settings = Settings()
    grace_s = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace_s > 5 + settings.max_wait_seconds + settings.deadline_seconds


def test_all_selectors_match_the_same_pods(deployment: Any) -> None:
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert read(KUBERNETES / "service.yaml")["spec"]["selector"] == labels
    assert read(KUBERNETES / "disruption-budget.yaml")["spec"]["selector"]["matchLabels"] == labels
    scaler = read(KUBERNETES / "autoscaler.yaml")["spec"]
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"], "each apply would undo the number set by the autoscaler"
