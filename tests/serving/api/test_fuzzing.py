"""Whatever is sent, the answer is documented and never a 5xx: Schemathesis over the OpenAPI document, Hypothesis beyond."""

import os

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

URL = "/v1/recommendations/achievements"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("EXAMPLES", "4"))  # of each operation
PERMITTED = {200, 400, 422}
# One server for all examples: they read, or write records that nobody looks for.
NO_FIXTURE_CHECK = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


@pytest.fixture
def document(client):
    return schemathesis.openapi.from_dict(client.get("/openapi.json").json())


def test_every_operation_keeps_to_the_document(document, client):
    examined = set()
    for result in document.get_all_operations():
        operation = result.ok()
        if operation.path.endswith(("/export", ":bulk")):
            continue  # lines of JSON, tested beside

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def examine(case):
            sent = case.as_transport_kwargs(base_url="http://localhost")
            answer = client.request(**{key: value for key, value in sent.items() if key != "cookies"})
            case.validate_response(answer, checks=CHECKS)

        examine()
        examined.add(f"{operation.method.upper()} {operation.path}")
    assert len(examined) >= 40
    assert examined >= {
        "GET /v1/kinds",
        "GET /v1/records/{kind}",
        "PUT /v1/records/{kind}/{record_id}",
        "POST /v1/recommendations",
        "POST /v1/eligibility",
        "GET /v1/matches",
        "POST /v1/matches/actions",
    }, sorted(examined)


hostile = st.one_of(
    st.text(max_size=300),
    st.text(alphabet=st.characters(categories=["Cc", "Cf", "So", "Lo", "Mn"]), max_size=100),
    st.sampled_from(
        [
            "'; DROP TABLE achievements; --",
            "<script>alert(1)</script>",
            "{{7*7}}${7*7}%n%s",
            "../../../../etc/passwd",
            "產業數據處理與儲存裝置，臺灣軟體",
            "👩‍🔬🧪" * 50,
            "\u202e\u0000\u200b",
            "锂" * 5_000,
        ]
    ),
)


@settings(max_examples=20, deadline=None, suppress_health_check=NO_FIXTURE_CHECK, database=None)
@given(
    text=hostile,
    top_k=st.one_of(st.integers(1, 10), st.integers(1, 10), st.integers(), st.floats(), st.text(max_size=3)),
)
def test_hostile_texts(reader, text, top_k):
    body = orjson.dumps({"text": text.encode(errors="replace").decode(), "top_k": top_k})
    answer = reader.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in PERMITTED, answer.text
    assert "Traceback" not in answer.text


@settings(max_examples=20, deadline=None, suppress_health_check=NO_FIXTURE_CHECK, database=None)
@given(raw=st.one_of(st.binary(max_size=200), st.sampled_from([b'{"text":NaN}', b"[" * 100_000, b'{"a":1e999}'])))
def test_hostile_bytes(reader, raw):
    answer = reader.post(URL, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in PERMITTED, answer.text


def test_a_megabyte_of_text(reader):
    answer = reader.post(URL, json={"text": "污泥干化" * 100_000})
    assert answer.status_code == 422
    assert len(answer.content) < 2_000
