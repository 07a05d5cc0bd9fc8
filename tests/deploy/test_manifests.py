"""Compose and Kubernetes files hold to their schemas, and to what a rehearsal cannot see: probes, budgets, no secrets."""

import json
import re
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose
from kubernetes_validate import ValidationError, latest_version, validate

from data.settings import settings
from tests.some import some

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SHARDED = DEPLOY / "kubernetes-shards"


def read(*paths):
    return [document for path in paths for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def merged(base, over):
    """Lay a patch over a document as kustomize does with the parts that we patch: lists go together by name or mount."""
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {key: merged(base.get(key), value) for key, value in over.items()}
    if isinstance(base, list) and isinstance(over, list) and isinstance(over[0], dict):
        by_name = {one.get("mountPath", one["name"]): one for one in base}
        for one in over:
            key = one.get("mountPath", one["name"])
            by_name[key] = merged(by_name.get(key), one)
        return list(by_name.values())
    return over


def name_of(document):
    return f"{document['kind']}/{document['metadata']['name']}"


KUSTOMIZATIONS = {folder: read(folder / "kustomization.yaml")[0] for folder in (DEPLOY / "kubernetes", SHARDED)}
PATCHES = read(SHARDED / "api.yaml")
PLAIN = [
    document
    for folder, kustomization in KUSTOMIZATIONS.items()
    for document in read(*(folder / name for name in kustomization["resources"] if name.endswith(".yaml")))
]
PATCHED = [merged(base, over) for over in PATCHES for base in PLAIN if name_of(base) == name_of(over)]
MANIFESTS = PLAIN + PATCHED
WORKLOADS = [one for one in MANIFESTS if one["kind"] in ("Deployment", "StatefulSet")]
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
SECRET = re.compile(r"password|token|secret|key$", re.IGNORECASE)


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
    for folder, kustomization in some(KUSTOMIZATIONS.items()):
        files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        patches = {one["path"] for one in kustomization.get("patches", [])}
        assert {*kustomization["resources"], *patches} - {"../kubernetes"} == files
        text = "".join((folder / name).read_text(encoding="utf-8") for name in files)
        assert set(re.findall(r"image: ([\w-]+)$", text, re.MULTILINE)) == {
            one["name"] for one in kustomization["images"]
        }
    assert len(PATCHED) == len(PATCHES)


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
    for workload in some(one for one in WORKLOADS if one["metadata"]["name"] not in ("mlflow", "shards")):
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
    sharded = yaml.safe_load((DEPLOY / "compose.shards.yaml").read_text(encoding="utf-8"))
    for service in some([*compose["services"].values(), *sharded["services"].values()]):
        for name in service.get("environment", {}):
            if name.startswith("GONGXU_"):
                monkeypatch.setenv(name, "1" if name.endswith("THREADS") else "x")
    settings.cache_clear()
    assert settings().database_url
    settings.cache_clear()


def test_shards_are_asked_by_servers_and_ray_alone():
    """Policies add up, and the one named `nothing` lets nobody through: who reaches a shard is named here."""
    shard = next(one for one in WORKLOADS if one["metadata"]["name"] == "ray-shard")
    labels = shard["spec"]["template"]["metadata"]["labels"]
    policies = [one["spec"] for one in MANIFESTS if one["kind"] == "NetworkPolicy"]
    let = [
        each["podSelector"]["matchLabels"]
        for spec in some(one for one in policies if selects(one["podSelector"], labels))
        for rule in spec.get("ingress", [])
        for each in rule["from"]
    ]
    assert sorted(let, key=str) == [{"app": "api"}, {"app": "ray"}]


def test_there_is_room_for_each_actor():
    """`gongxu shards` puts one actor on each unit of the resource that the pods or containers of shards have."""
    command = " ".join(next(one for one in containers() if one["name"] == "shards")["command"])
    asked = {name: re.search(rf"--{name} (\S+)", command)[1] for name in ("shards", "replicas", "resource")}
    (workload,) = [one for one in WORKLOADS if one["metadata"]["name"] == "ray-shard"]
    given = pod(workload)["containers"][0]["command"]
    units = json.loads(given[given.index("--resources") + 1])[asked["resource"]]
    assert units * workload["spec"]["replicas"] == int(asked["shards"]) * int(asked["replicas"])
    assert "--leave-running" in command
