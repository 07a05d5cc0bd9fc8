import json

import pytest
from typer.testing import CliRunner

from data.errors import GongxuError
from data.settings import settings
from data.store.store import Store
from gongxu import app
from tests.knowledge_graph.records import achievements, deal, demands

runner = CliRunner()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path))
    settings.cache_clear()
    with Store.open(settings().store_url) as store:
        store.upsert_achievements(achievements())
        store.upsert_demands(demands())
        store.append_events([deal("D0", "A0")])
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def built(home):
    assert run("build", "--no-vectors").exit_code == 0
    return home


def run(*arguments):
    result = runner.invoke(app, ["graph", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_build_and_stats(built):
    assert (built / "graph" / "graph.json").is_file()
    figures = json.loads(run("stats", "--json").output)
    assert figures["counts"]["achievements"] == 32
    assert figures["counts"]["outcomes"] == 1
    assert figures["known"]["industry"] == 1.0
    assert "术语" in run("stats").output


def test_term_path_gaps_holders_flows(built):
    assert json.loads(run("term", "污泥", "--json").output)["demands"] == 2
    assert "污泥" in run("term", "污泥").output
    answer = json.loads(run("path", "D0", "A0", "--json").output)
    assert answer["paths"][0]["text"].startswith("需求“需要污泥干化设备”")
    assert answer["subgraph"]["nodes"]
    assert "依据" in run("path", "D0", "A0").output
    assert isinstance(json.loads(run("gaps", "--region", "河南", "--json").output), list)
    assert run("gaps", "--stages").exit_code == 0
    assert run("holders", "郑州环境研究院", "--json").exit_code == 0
    assert run("flows").exit_code == 0


@pytest.mark.parametrize("kind", ["graphml", "json", "csv"])
def test_export(built, kind):
    assert "已写入" in run("export", str(built / "out"), "--format", kind).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("path", "D99", "A0"), "no demand with id 'D99'"),
        (("path", "D0", "A99"), "no achievement with id 'A99'"),
        (("term", "不存在的词"), "no term"),
        (("gaps", "--region", "火星"), "unknown region"),
        (("stats", "--graph", "/nowhere"), "no graph in /nowhere"),
    ],
)
def test_bad_input_gets_one_line(built, arguments, message):
    with pytest.raises(GongxuError, match=message) as error:
        run(*arguments)
    assert "\n" not in str(error.value)


def test_an_empty_store_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path))
    settings.cache_clear()
    with pytest.raises(GongxuError, match="holds no records"):
        run("build", "--no-vectors")
    settings.cache_clear()
