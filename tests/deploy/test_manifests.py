"""Compose and Kubernetes files hold to their schemas, and to what a rehearsal cannot see: probes, budgets, no secrets."""

import re
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose
from kubernetes_validate import ValidationError, latest_version, validate

from data.settings import settings
from tests.some import some

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
MANIFESTS = [
    document
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]
WORKLOADS = [one for one in MANIFESTS if one["kind"] in ("Deployment", "StatefulSet")]
KUSTOMIZATION = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text(encoding="utf-8"))
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
SECRET = re.compile(r"password|token|secret|key$", re.IGNORECASE)


def name_of(document):
    return f"{document['kind']}/{document['metadata']['name']}"


def pod(workload):
    return workload["spec"]["template"]["spec"]


def containers():
    return [one for workload in some(WORKLOADS) for one in pod(workload)["containers"]]


@pytest.mark.parametrize("document", MANIFESTS, ids=name_of)
def test_a_manifest_holds_to_the_schema_of_kubernetes(document):
    version = latest_version()
    assert validate(document, version, strict=True).startswith(version.rpartition(".")[0])


def test_a_manifest_with_anything_else_does_not():
    with pytest.raises(ValidationError):
        validate(MANIFESTS[0] | {"unheard": 1}, latest_version(), strict=True)


def test_every_file_is_applied():
    files = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files
    own = {one["image"] for one in containers() if ":" not in one["image"]}
    assert own == {one["name"] for one in KUSTOMIZATION["images"]}


@pytest.mark.parametrize("workload", WORKLOADS, ids=name_of)
def test_a_workload_is_probed_limited_and_may_do_little(workload):
    (container,) = pod(workload)["containers"]
    assert "livenessProbe" in container
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert pod(workload)["securityContext"]["runAsNonRoot"] is True
    assert pod(workload)["automountServiceAccountToken"] is False


def selects(selector, labels):
    wanted = selector.get("matchLabels", {})
    return all(labels.get(name) == value for name, value in wanted.items())


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "NetworkPolicy", "Service"])
def test_what_selects_pods_finds_some(kind):
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in some(WORKLOADS)]
    for one in some(each for each in MANIFESTS if each["kind"] == kind):
        spec = one["spec"]
        selector = (
            {"matchLabels": spec["selector"]} if kind == "Service" else spec.get("selector", spec.get("podSelector"))
        )
        assert any(selects(selector, each) for each in labels), name_of(one)


def test_what_serves_or_remembers_is_not_drained_away():
    budgets = [one["spec"]["selector"] for one in MANIFESTS if one["kind"] == "PodDisruptionBudget"]
    for workload in some(one for one in WORKLOADS if one["metadata"]["name"] != "mlflow"):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert any(selects(one, labels) for one in budgets), name_of(workload)


def test_no_secret_is_in_a_file():
    variables = [one for container in containers() for one in container.get("env", []) if SECRET.search(one["name"])]
    for one in some(each for each in variables if not each["name"].endswith(("_MODE", "_PATH"))):
        assert set(one) == {"name", "valueFrom"}, one
    assert not [one for one in MANIFESTS if one["kind"] == "Secret"]
    composed = "".join(path.read_text(encoding="utf-8") for path in DEPLOY.glob("compose*.yaml"))
    for name, value in some(re.findall(r"^ +(\w*(?:PASSWORD|TOKEN|SECRET|KEY)): *(.+)$", composed, re.MULTILINE)):
        assert value.startswith("${"), name


def test_the_compose_file_holds_to_its_specification():
    merged = yaml.safe_dump(yaml.safe_load(COMPOSE))  # the library reads no `<<`, which compose does
    services = PyCompose.from_yaml(merged).to_dict()["services"]
    assert {"nginx", "api-1", "api-2", "postgresql", "ray-head", "ray-worker", "mlflow"} == set(services)
    with pytest.raises(ValueError, match="unheard"):
        PyCompose.from_yaml(merged + "\nunheard: 1\n")
    over = yaml.safe_load((DEPLOY / "compose.shards.yaml").read_text(encoding="utf-8"))
    sharded = PyCompose.from_yaml(yaml.safe_dump(over)).to_dict()["services"]
    assert set(sharded) - set(services) == {"shards"}
    upstreams = re.findall(r"server (\S+):8000", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    assert {one for one in services if one.startswith("api-")} == set(upstreams)


def test_variables_are_settings(monkeypatch):
    """A server refuses to start with a variable that it does not know."""
    compose = yaml.safe_load(COMPOSE)
    for one in MANIFESTS:
        if one["kind"] == "ConfigMap":
            compose["services"][name_of(one)] = {"environment": one["data"]}
    for service in some(compose["services"].values()):
        for name in service.get("environment", {}):
            if name.startswith("GONGXU_"):
                monkeypatch.setenv(name, "1" if name.endswith("THREADS") else "x")
    settings.cache_clear()
    assert settings().database_url
    settings.cache_clear()
