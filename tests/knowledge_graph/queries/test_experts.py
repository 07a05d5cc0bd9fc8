"""Experts: from the spreadsheet's column to nodes, edges and the experts who work on the same things."""

import json

import pytest

from data.errors import NotFoundError
from data.files.importer import import_paths
from data.store.store import Store
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.queries.experts import experts_of_graph, similar_experts
from knowledge_graph.queries.export import to_networkx
from tests.knowledge_graph.commands.test_graph import run
from tests.knowledge_graph.records import achievements, demands


@pytest.fixture(scope="module")
def records():
    """The small platform: 张伟 at both holders, 李娜 dries sludge, 王芳 makes batteries; the last is by nobody named."""
    names = [("张伟", " 李  娜 "), ("李娜",), ("李娜", "李娜"), (), ("张伟", "王芳"), ("王芳",), ("王芳",), ()] * 4
    names = [tuple(name.replace(" 李  娜 ", "李娜") for name in row) for row in names]
    return [record.model_copy(update={"experts": row}) for record, row in zip(achievements(), names, strict=True)]


@pytest.fixture(scope="module")
def graph(records):
    return KnowledgeGraph.build(records, demands())


def test_a_spreadsheet_names_experts(tmp_path):
    path = tmp_path / "achievements.csv"
    path.write_text(
        "成果编号,成果名称,完成单位,完成人\nA1,污泥干化设备,某大学,张伟、李娜；王芳\nA2,无名,,\n", encoding="utf-8"
    )
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        import_paths(store, [path], rejects=tmp_path / "rejects")
        assert store.achievement("A1").experts == ("张伟", "李娜", "王芳")
        assert store.achievement("A2").experts == ()


def test_people_of_one_name_are_told_apart_by_where_they_work(graph):
    rows = {expert.key: expert.rows for expert in experts_of_graph(graph)}
    assert rows["张伟@郑州环境研究院"] == (0, 8, 16, 24)
    assert rows["张伟@深圳电池公司"] == (4, 12, 20, 28)
    assert len(rows["李娜@郑州环境研究院"]) == 12
    assert len(rows) == 4


def test_similar_experts_share_terms(graph):
    (first, *_) = similar_experts(graph, "王芳")
    assert first.name == "张伟@深圳电池公司"
    assert 0.5 < first.similarity <= 1 + 1e-6
    assert "正极材料" in first.shared
    assert [row.name for row in similar_experts(graph, "李娜", 1)] == ["张伟@郑州环境研究院"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("张伟", "give one of them in full: 张伟@郑州环境研究院"), ("王方", "nearest names"), ("", "no expert")],
)
def test_who_is_not_known_is_refused(graph, name, said):
    with pytest.raises(NotFoundError, match=said):
        similar_experts(graph, name)


def test_without_experts_the_column_is_named(small_graph):
    with pytest.raises(NotFoundError, match="完成人"):
        similar_experts(small_graph, "张伟")


def test_experts_are_nodes_with_edges(graph):
    network = to_networkx(graph)
    assert network.nodes["expert:张伟@郑州环境研究院"] == {"kind": "expert", "label": "张伟"}
    assert network.has_edge("achievement:A0", "expert:张伟@郑州环境研究院", "achieved_by")
    assert network.has_edge("expert:张伟@郑州环境研究院", "organisation:郑州环境研究院", "works_at")


def test_experts_survive_saving(records, tmp_path):
    late = records[0].model_copy(update={"achievement_id": "A99", "experts": ("赵敏",), "holder": ""})
    changed = records[3].model_copy(update={"experts": ("赵敏",)})
    graph = KnowledgeGraph.build([*records[:3], changed, *records[4:], late], demands())
    graph.save(tmp_path)
    found = {expert.key: expert.rows for expert in experts_of_graph(KnowledgeGraph.load(tmp_path))}
    assert (found["赵敏@郑州环境研究院"], found["赵敏"]) == ((3,), (32,))


def test_the_command_lists_similar_experts(graph, tmp_path):
    graph.save(tmp_path)
    shown = run("holders", "王芳", "--experts", "--graph", str(tmp_path), "--json")
    assert json.loads(shown.output)[0]["name"] == "张伟@深圳电池公司"
    assert "相近的专家" in run("holders", "王芳", "--experts", "--graph", str(tmp_path)).output
