import json

import pytest
import typer
from typer.testing import CliRunner

from data.commands.import_files import import_command
from data.errors import InputError
from data.settings import settings
from data.store.store import Store


@pytest.fixture
def gongxu(tmp_path, monkeypatch):
    for name, value in {"GONGXU_HOME": str(tmp_path / "home"), "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GONGXU_DATABASE_URL", raising=False)
    settings.cache_clear()
    app = typer.Typer()
    app.command("import")(import_command)
    app.callback()(lambda: None)
    yield lambda *arguments: CliRunner().invoke(app, ["import", *map(str, arguments)])
    settings.cache_clear()


@pytest.fixture
def demands(tmp_path):
    path = tmp_path / "demands.csv"
    path.write_text("需求编号,需求名称,联系人\nD1,污泥干化,张三\nD2,,李四\n", encoding="utf-8")
    return path


def test_summary_for_people(gongxu, demands, tmp_path):
    result = gongxu(demands)
    assert result.exit_code == 3
    (row,) = [line for line in result.stdout.splitlines() if "│ demands.csv" in line]
    assert row.replace("│", " ").split() == ["demands.csv", "需求", "2", "1", "0", "0", "0", "1"]
    (rejects,) = (tmp_path / "home" / "rejects").iterdir()
    assert f"1 行被拒绝，清单见 {rejects}" in result.stdout
    assert "未识别的列（原样保留）：联系人" in result.stdout
    assert "库中现有成果 0 项，需求 1 项" in result.stdout
    with Store.open(settings().store_url) as store:
        assert store.demand("D1").extra == {"联系人": "张三"}


def test_summary_for_programs(gongxu, demands):
    gongxu(demands)
    result = gongxu(demands, "--json", "--kind", "demands")
    document = json.loads(result.stdout)
    assert result.exit_code == document["exit_code"] == 3
    (file,) = document["files"]
    assert (file["kind"], file["read"], file["unchanged"], file["rejected"]) == ("demands", 2, 1, 1)
    assert document["store"] == {"achievements": 0, "demands": 1, "events": 0}


def test_exit_code_is_0_when_all_is_well(gongxu, tmp_path):
    (tmp_path / "demands.csv").write_text("需求编号,需求名称\nD1,污泥干化\n", encoding="utf-8")
    assert gongxu(tmp_path / "demands.csv").exit_code == 0


def test_errors_are_left_to_the_root_command(gongxu, tmp_path):
    result = gongxu(tmp_path / "missing")
    assert isinstance(result.exception, InputError)
    assert "no such file" in str(result.exception)


def test_an_unknown_kind_is_named_with_those_that_are_known(gongxu, demands):
    error = gongxu(demands, "--kind", "people").exception
    assert isinstance(error, InputError)
    assert "--kind 'people' is unknown; use one of achievements, demands, events, judgements, " in str(error)
    assert "service" in error.chinese


def test_help_has_examples(gongxu):
    result = gongxu("--help")
    assert result.exit_code == 0
    assert "gongxu import ../shared/data/bdci2019" in result.stdout
