"""Stage times as metrics, and traces for those who want them."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.conftest import running, wait_for

URL = "/v1/recommendations/achievements"


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
