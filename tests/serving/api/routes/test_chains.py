"""Chains over HTTP: nothing before one is imported; bottlenecks with records and why; what nobody may know of never counts."""

from datetime import UTC, datetime

import pytest

from data.files.chain_files import read_chain
from data.store.store import Store
from data.taxonomy.industry_chain import Chain, ChainLink, ChainNode
from tests.serving.conftest import copy_of, running, wait_for
from tests.some import some

CHAIN = Chain(
    "sludge",
    "污泥处置",
    (
        ChainNode("0", "环保"),
        ChainNode("dry", "污泥干化", "0", "4620"),
        ChainNode("use", "建材利用", "0", "3029", weight=3.0),
        ChainNode("a/b", "卷烟制造", "0", "1620"),
        ChainNode("1", "※"),
    ),
    (ChainLink("use", "dry", 1.0),),
)


@pytest.fixture(scope="module")
def server(platform, tmp_path_factory):
    site = copy_of(platform, tmp_path_factory.mktemp("chains") / "home")
    with running(site) as client:
        client.store_url = site.store_url
        yield client


def test_a_chain_from_import_to_closers(server, tmp_path):
    assert server.get("/v1/chains").json() == {"chains": []}
    assert server.get("/v1/chains/sludge").status_code == 404
    files = {
        "nodes.csv": "id,name,parent,行业代码,weight\n0,环保,,,\ndry,污泥干化,0,4620,\n"
        "use,建材利用,0,3029,3\na/b,卷烟制造,0,1620,\n1,※,,,\n",
        "links.csv": "环节,上游\n建材利用,污泥干化\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    read = read_chain([tmp_path / name for name in files], "sludge", "污泥处置")
    assert read.chain == CHAIN
    with Store.open(server.store_url) as store:
        store.chains.put(read.chain, datetime.now(UTC))
    assert [one["chain"] for one in server.get("/v1/chains").json()["chains"]] == ["sludge"]
    # Records of industries that the simulator gives to nobody.
    record = {"industries": ["1620"], "region": "410100", "updated_at": "2026-01-01", "visibility": "公开"}
    for number, visibility in enumerate(("公开", "授权", "保密")):
        text = {"title": f"烟丝水分在线测控{number}", "content": "微波法测量烟丝含水率并反馈控制"}
        stated = record | text | {"visibility": visibility}
        answer = server.put(f"/v1/demands/T{number}", json=stated | {"demand_id": f"T{number}"})
        assert answer.status_code == 200, answer.text
        answer = server.put(
            f"/v1/achievements/T{number}", json=stated | {"achievement_id": f"T{number}", "holder": "甲所"}
        )
        assert answer.status_code == 200, answer.text

    def bottlenecks():
        found = server.get("/v1/chains/sludge/bottlenecks").json()["bottlenecks"]
        return [one for one in found if one["node"]["node"] == "a/b" and one["node"]["demands"] == 2]

    (one,) = wait_for(bottlenecks)
    node = one["node"]
    assert (node["supplies"], node["owners"], node["causes"]) == (2, 1, ["few", "single_owner"])
    assert node["path"] == ["环保", "卷烟制造"]
    assert {record["id"] for record in some(one["demands"])} == {"T0", "T1"}  # T2 exists for nobody
    assert {record["why"] for record in one["supplies"]} == {"所属行业 1620，环节的行业代码 1620"}
    whole = server.get("/v1/chains/sludge").json()
    by = {one["node"]: one for one in whole["nodes"]}
    assert by["dry"]["downstream_weight"] == 1.5  # half of 建材利用's 3
    assert by["use"]["relative_weight"] == round(3 / ((3 + 2.5 + 1 + 1) / 4), 4)
    assert by["a/b"]["demands"] == 2
    full = server.get("/v1/chains/sludge/nodes/a/b").json()
    assert full["node"] == node
    assert full["upstream"] == []
    linked = server.get("/v1/chains/sludge/nodes/dry").json()
    assert [(one["node"], one["share"]) for one in linked["downstream"]] == [("use", 1.0)]
    holders = {holder["name"]: holder for holder in full["holders"]}
    assert holders["甲所"]["present"]
    assert {record["id"] for record in holders["甲所"]["records"]} == {"T0", "T1"}
    empty = server.get("/v1/chains/sludge/nodes/1").json()
    assert (empty["demands"], empty["holders"], empty["kinds"]) == ([], [], [])
    missing = server.get("/v1/chains/sludge/nodes/none")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:gongxu:problem:not-found")


def test_a_viewer_sees_of_a_record_on_a_node_what_is_open(server):
    server.headers["Gongxu-Viewer"] = "nobody"
    (one,) = [
        one for one in server.get("/v1/chains/sludge/bottlenecks").json()["bottlenecks"] if one["node"]["node"] == "a/b"
    ]
    shown = {record["id"]: record for record in one["demands"]}
    assert set(shown) == {"T0", "T1"}
    assert shown["T0"]["why"] != ""
    assert (shown["T1"]["title"], shown["T1"]["why"]) == ("烟丝水分在线测控1", "")
    said = server.get("/v1/chains/sludge/nodes/a/b").text
    assert "微波法测量" not in said
    assert "测控2" not in said
