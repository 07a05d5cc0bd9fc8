"""Rules and dashboard: well formed, and about metrics and labels that servers and shards really export."""

import json
from pathlib import Path
from typing import Annotated, Literal

import promql_parser
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from serving.shards.exporter import ShardCollector
from serving.telemetry import metrics
from tests.some import some

MONITORING = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
OF_PROMETHEUS = {"up": set()}
OF_TARGETS = {"job", "instance"}  # labels that Prometheus adds to each series


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Alert(Strict):
    """What Prometheus takes as an alerting rule, with the labels and annotations that ours have."""

    alert: Annotated[str, Field(pattern=r"^Gongxu[A-Z][A-Za-z]+$")]
    expr: Annotated[str, AfterValidator(promql_parser.parse)]
    wait: Annotated[str, AfterValidator(promql_parser.parse_duration)] = Field("0s", alias="for")
    labels: dict[Literal["severity"], Literal["page", "ticket"]] = Field(min_length=1)
    annotations: dict[Literal["summary", "action"], Annotated[str, Field(pattern=r"[\u4e00-\u9fff]{2}")]] = Field(
        min_length=2
    )


class Group(Strict):
    name: str
    rules: list[Alert] = Field(min_length=1)


class Rules(Strict):
    groups: list[Group] = Field(min_length=2)


RULES = yaml.safe_load((MONITORING / "rules.yaml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [each["expr"] for panel in PANELS for each in panel["targets"]]


def exported():
    """Return the series that servers and `gongxu shards` export, with the labels of each."""
    found = {}
    for metric in some(each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)):
        (family,) = metric.describe()
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        for suffix in suffixes:
            found[family.name + suffix] = {*metric._labelnames, *(["le"] if suffix == "_bucket" else [])}
    for family in some(ShardCollector(dict).collect()):
        found[family.name] = set(family._labelnames)
    return found


def parts(expression, kind):
    found = []
    promql_parser.walk(
        promql_parser.parse(expression), lambda part: found.append(part) if isinstance(part, kind) else None
    )
    return found


def test_rules_are_what_prometheus_takes():
    groups = Rules.model_validate(RULES).groups
    names = [rule.alert for group in groups for rule in group.rules]
    assert len(set(names)) == len(names)
    with pytest.raises(ValueError, match="unheard"):
        Rules.model_validate(RULES | {"unheard": 1})


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_there_is(expression):
    known, labels = exported() | OF_PROMETHEUS, set(OF_TARGETS)
    for series in some(parts(expression, promql_parser.VectorSelector)):
        assert series.name in known
        labels |= known[series.name]
        assert {matcher.name for matcher in series.matchers.matchers} <= known[series.name] | OF_TARGETS
    modifiers = [one.modifier for one in parts(expression, promql_parser.AggregateExpr) if one.modifier]
    assert {label for modifier in modifiers for label in modifier.labels} <= labels


def test_every_panel_is_placed_titled_and_has_a_source():
    assert {"datasource"} == {one["name"] for one in DASHBOARD["templating"]["list"]}
    taken = set()
    for panel in some(DASHBOARD["panels"]):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert any("\u4e00" <= letter <= "\u9fff" for letter in panel["title"])
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert {panel["datasource"]["uid"] for panel in some(PANELS)} == {"${datasource}"}


def test_targets_of_rules_are_those_of_the_example():
    config = yaml.safe_load((MONITORING / "prometheus.yaml").read_text(encoding="utf-8"))
    assert config["rule_files"] == ["rules.yaml"]
    assert {job["job_name"] for job in config["scrape_configs"]} == {"gongxu", "gongxu-shards"}
