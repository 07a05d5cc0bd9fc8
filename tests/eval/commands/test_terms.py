"""`gongxu lab terms`: figures and weights of the term extractor, written to files."""

import json

import pytest
from typer.testing import CliRunner

from data.errors import GongxuError
from gongxu import app
from tests.eval.reading.test_term_training import marked


def run(*arguments):
    result = CliRunner().invoke(app, ["lab", "terms", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_evaluate_terms_writes_its_figures(tmp_path):
    source, target = tmp_path / "terms.csv", tmp_path / "out.json"
    source.write_text("text,entities\n基于遗传算法的车辆调度。遗传算法收敛快。,遗传算法/方法\n", encoding="utf-8")
    assert run("evaluate", str(source), "--json", str(target)).exit_code == 0
    assert set(json.loads(target.read_text(encoding="utf-8"))) == {"gongxu", "tfidf", "textrank", "jieba"}


def test_fit_terms_writes_weights_and_tells_the_held_out_figures(tmp_path):
    rows = [f'"{text.text}",{next(iter(text.gold))}/方法' for text in marked()]
    source, target = tmp_path / "marked.csv", tmp_path / "weights.json"
    source.write_text("text,entities\n" + "\n".join(rows), encoding="utf-8")
    output = run("fit", str(source), "--out", str(target)).output
    assert "未参与训练的 20 篇文本" in output
    assert "bias" in json.loads(target.read_text(encoding="utf-8"))["weights"]


@pytest.mark.parametrize("command", ["evaluate", "fit"])
def test_a_missing_file_is_named(command):
    with pytest.raises(GongxuError, match=r"/nowhere\.csv does not exist"):
        run(command, "/nowhere.csv")
