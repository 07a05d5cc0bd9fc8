"""Metrics that alerts and dashboard may rely on, and traces for those who want them."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.conftest import running, wait_for
from tests.some import some

MONITORING = Path(__file__).resolve().parents[3] / "docs" / "monitoring"
URL = "/v1/recommendations/achievements"
NAME = re.compile(r"gongxu_[a-z_]+")


def exposed(client):
    """Return the names that Prometheus stores, with the labels of each."""
    labels = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        labels.setdefault(family.name, set())
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    for family in list(labels):  # one that counted nothing yet has no sample
        for suffix in ("_total", "_bucket", "_count", "_sum"):
            labels.setdefault(family + suffix, set())
    return labels


def expressions():
    dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    yield from re.findall(
        r"expr: (?:>\n)?((?:.+\n)+?)(?= +(?:for|annotations):)", (MONITORING / "alerts.yml").read_text()
    )


def test_alerts_and_dashboard_ask_for_what_there_is(client):
    client.post(URL, json={"demand_id": "D000001"})
    client.post(
        "/v1/events",
        json={
            "event_id": "e",
            "demand_id": "D",
            "achievement_id": "A",
            "kind": "click",
            "occurred_at": "2026-01-01T09:30:00+08:00",
        },
    )
    known = exposed(client)
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(asked) >= 15
    assert asked <= known.keys()
    for expression in some(expressions()):
        for name, chosen in re.findall(r"(gongxu_[a-z_]+)\{([a-z]+)=", expression):
            assert not known[name] or chosen in known[name], (name, chosen)


def test_every_stage_of_a_request_is_timed(client):
    client.post(URL, json={"demand_id": "D000001", "explain": "full"})
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    stages = {
        sample.labels["stage"] for sample in families["gongxu_stage_seconds"].samples if sample.name.endswith("_count")
    }
    assert {
        "wait",
        "engine",
        "store",
        "json",
        "subject",
        "candidates",
        "preselection",
        "features",
        "score",
        "selection",
    } <= stages
    channels = {sample.labels["channel"] for sample in families["gongxu_candidates_by_channel"].samples}
    assert {"dense", "lexical"} <= channels


@pytest.fixture
def collector():
    """Yield the URL of a collector and the spans it was sent."""
    spans = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            spans.extend(span for part in sent.resource_spans for scope in part.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", spans
        server.shutdown()
        thread.join()


def test_traces_when_asked_for(site, collector):
    address, spans = collector
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with running(site.model_copy(update={"serve_traces": address})) as client:
        answer = client.post(URL, json={"demand_id": "D000001"}, headers={"traceparent": caller})
    wait_for(lambda: any(span.name.startswith("POST") for span in spans))
    (request,) = [span for span in spans if span.name == f"POST {URL}"]
    assert request.trace_id.hex() == caller.split("-")[1]
    assert request.parent_span_id.hex() == caller.split("-")[2]
    attributes = {attribute.key: attribute.value for attribute in request.attributes}
    assert attributes["gongxu.request_id"].string_value == answer.headers["X-Request-ID"]
    parts = [span for span in spans if span.parent_span_id == request.span_id]
    assert {"store", "engine", "wait", "json"} <= {span.name for span in parts}
    for part in parts:
        assert request.start_time_unix_nano - 10**7 <= part.start_time_unix_nano <= part.end_time_unix_nano


def test_no_traces_unless_asked_for(client):
    from serving.telemetry import tracing

    assert client.post(URL, json={"text": "污泥干化设备"}).status_code == 200
    assert tracing._tracer is None
