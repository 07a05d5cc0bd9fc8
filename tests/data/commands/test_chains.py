"""`gongxu graph chain`: the worked example of docs/chains.md, from its files to its weights; listed, removed, refused."""

import json

import pytest
from typer.testing import CliRunner

from data.errors import InputError, NotFoundError
from data.settings import settings
from data.store.store import Store
from gongxu import app
from knowledge_graph.queries.dependence import dependence


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GONGXU_DATABASE_URL", raising=False)
    settings.cache_clear()

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["graph", "chain", *arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    yield call
    settings.cache_clear()


def test_the_worked_example(run, tmp_path):
    nodes, links = tmp_path / "环节.csv", tmp_path / "上下游.csv"
    nodes.write_text("编号,名称,上级,行业代码\n1,动力电池,,\n2,隔膜,1,2929\n3,电芯,1,3841\n4,整车,,3612\n", "utf-8")
    links.write_text("环节,上游,权重\n电芯,隔膜,2\n整车,电芯,1\n", "utf-8")
    assert run() == "还没有导入产业链\n"
    said = run(str(nodes), str(links), "--id", "battery", "--name", "动力电池")
    assert said == "产业链 battery 动力电池：4 个环节（3 个有行业代码），2 条上下游关系\n"
    assert "与已有的相同" in run(str(nodes), str(links), "--id", "battery", "--name", "动力电池")
    with Store.open(settings().store_url) as store:
        _, chain = store.chains.get("battery")
    found = dependence(chain)
    place = chain.places["2"]
    assert (found.downstream[place], round(float(found.relative[place]), 4)) == (0.75, 1.2353)
    assert [one["id"] for one in json.loads(run("--json"))] == ["battery"]
    assert json.loads(run("--gbt4754", "--id", "gbt4754", "--json"))["nodes"] == 117
    assert run("--id", "battery", "--remove") == "产业链 battery 已删除\n"
    with pytest.raises(NotFoundError, match="no chain 'battery'"):
        run("--id", "battery", "--remove")
    with pytest.raises(InputError, match="--id '' is no id"):
        run(str(nodes))
    with pytest.raises(InputError, match="exclude each other"):
        run(str(nodes), "--remove", "--id", "battery")
