"""Query parameters and filter values that do not exist are named with the nearest ones."""

import pytest
from fastapi.routing import APIRoute

from serving.api.parameters import _parameters
from serving.app import ROUTERS
from tests.some import some


def test_every_documented_parameter_is_known(client):

    document = client.get("/openapi.json").json()["paths"]
    routes = {
        (route.path_format, method.lower()): route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    checked = 0
    for path, operations in some(document.items()):
        for method, operation in operations.items():
            documented = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            assert documented == set(_parameters(routes[path, method])), path
            checked += bool(documented)
    assert checked >= 8


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/demands?limt=3", "没有参数“limt”；可用的是 limit"),
        ("/v1/records/service?curser=x", "没有参数“curser”；可用的是 cursor"),
        ("/v1/kinds?limit=3", "没有参数“limit”；这里没有参数"),
        ("/v1/recommendations/achievements/export?top=2", "没有参数“top”；可用的是 top_k"),
    ],
)
def test_an_unknown_parameter_is_named_with_the_nearest(client, path, said):
    answer = client.get(path)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "invalid-request")
    assert answer.json()["detail"].startswith(said)


def test_probes_may_add_what_they_like(client):
    assert client.get("/healthz?t=123").status_code == 200


def test_an_unknown_technical_field_is_named_with_the_nearest(reader, platform):
    asked = {"text": "需要一种低温污泥干化设备", "filters": {"fields": ["占星之术"]}}
    answer = reader.post("/v1/recommendations/achievements", json=asked)
    assert answer.status_code == 422
    assert "没有技术领域“占星之术”；最接近的是 " in answer.json()["detail"]
