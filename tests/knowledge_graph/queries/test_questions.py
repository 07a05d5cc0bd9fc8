import csv
import json

import networkx as nx
import pytest

from data.errors import InputError, NotFoundError
from knowledge_graph.queries.export import export, to_networkx
from knowledge_graph.queries.statistics import statistics
from knowledge_graph.queries.supply import balances, flows, similar_holders, term_card
from knowledge_graph.reading.paths import drawing


def test_paths_say_why(small_graph):
    paths = small_graph.paths(small_graph.demand(0), 0, 3, demand_id="D0", demand_title="需要污泥干化设备")
    assert 0 < len(paths) <= 3
    assert [path.strength for path in paths] == sorted((path.strength for path in paths), reverse=True)
    first = paths[0]
    assert first.text.startswith("需求“需要污泥干化设备” → ")
    assert first.text.endswith("← 成果“低温热泵污泥干化设备”")
    assert first.evidence
    assert first.nodes[0].id == "demand:D0"
    assert first.nodes[-1].id == "achievement:A0"


def test_paths_use_no_term_twice(small_graph):
    paths = small_graph.paths(small_graph.demand(0), 0, 10)
    terms = [node.id for path in paths for node in path.nodes[1:-1]]
    inner = [[node.id for node in path.nodes[1:-1]] for path in paths]
    assert len(set(terms)) == len(terms)
    assert all(inner)


def test_paths_over_shared_places_come_last(small_graph):
    kinds = [path.nodes[1].kind.value for path in small_graph.paths(small_graph.demand(0), 0, 50)]
    assert "industry" in kinds
    assert kinds.index("industry") > kinds.index("term")


def test_drawing_holds_every_node_once(small_graph):
    paths = small_graph.paths(small_graph.demand(0), 0, 3)
    picture = drawing(paths)
    ids = [node["id"] for node in picture["nodes"]]
    assert len(set(ids)) == len(ids)
    assert all(link["source"] in ids and link["target"] in ids for link in picture["links"])
    json.dumps({"paths": [path.as_json() for path in paths], "subgraph": picture})


def test_a_term_and_its_neighbours(small_graph):
    card = term_card(small_graph, "污泥")
    assert card.achievements > 0
    assert card.demands == 2
    strengths = [neighbour.strength for neighbour in card.neighbours]
    assert strengths == sorted(strengths, reverse=True)
    assert all(neighbour.evidence for neighbour in card.neighbours)
    with pytest.raises(NotFoundError, match="nearest terms: 污泥"):
        term_card(small_graph, "污泥气化炉")


def test_gaps_weigh_demand_against_supply(small_graph):
    rows = balances(small_graph, least=1)
    assert [row.score for row in rows] == sorted((row.score for row in rows), reverse=True)
    by_name = {row.name: row for row in rows}
    assert by_name["正极材料"].demands == 1
    assert by_name["正极材料"].budget == 80.0
    here = balances(small_graph, region="河南", least=1)
    assert max(row.demands for row in here) <= 2
    assert balances(small_graph, industry="77", stages=True, least=1)


@pytest.mark.parametrize("wrong", [{"region": "火星"}, {"region": "999999"}, {"industry": "ZZ"}])
def test_unknown_places_are_refused(small_graph, wrong):
    with pytest.raises(InputError, match="unknown"):
        balances(small_graph, **wrong)


def test_similar_holders_and_flows(small_graph):
    names = [holder.name for holder in similar_holders(small_graph, "郑州环境研究院")]
    assert "郑州环境研究院" not in names
    with pytest.raises(NotFoundError, match="nearest names: 郑州环境研究院"):
        similar_holders(small_graph, "郑州环境研究所")
    found = {(flow.demand_province, flow.achievement_province) for flow in flows(small_graph)}
    assert ("浙江省", "河南省") in found
    assert all(0 < flow.share <= 1 for flow in flows(small_graph, region="河南"))


def test_networkx_graph_is_typed_and_whole(small_graph):
    network = to_networkx(small_graph)
    kinds = nx.get_node_attributes(network, "kind")
    assert len(kinds) == network.number_of_nodes()
    assert sum(kind == "achievement" for kind in kinds.values()) == 32
    mentions = sum(key == "mentions" for _, _, key in network.edges(keys=True))
    assert mentions == statistics(small_graph)["counts"]["mentions"]
    assert network.edges["demand:D0", "achievement:A0", "outcome"] == {"grade": 4, "day": "2025-01-01"}
    assert network.has_edge("achievement:A0", "industry:7721", "in_industry")
    assert network.has_edge("achievement:A0", "ipc:C02F", "classified")
    assert network.has_edge("ipc:C02", "ipc:C", "part_of")
    assert network.has_edge("achievement:A0", "organisation:郑州环境研究院", "held_by")


def test_exports_can_be_read_back(small_graph, tmp_path):
    network = to_networkx(small_graph)
    (graphml,) = export(network, tmp_path / "g.graphml", "graphml")
    assert nx.read_graphml(graphml, force_multigraph=True).number_of_edges() == network.number_of_edges()
    (node_link,) = export(network, tmp_path / "g.json", "json")
    read = nx.node_link_graph(json.loads(node_link.read_text(encoding="utf-8")), edges="links")
    assert nx.utils.graphs_equal(read, network)
    nodes, edges = export(network, tmp_path / "csv", "csv")
    with nodes.open(encoding="utf-8") as file:
        ids = {row["id:ID"] for row in csv.DictReader(file)}
    assert ids == set(network.nodes)
    with edges.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == network.number_of_edges()
    assert {row[":START_ID"] for row in rows} <= ids
    with pytest.raises(InputError, match="unknown format 'xml'"):
        export(network, tmp_path / "g", "xml")
