"""The face of the command line: one screen, the reader's language, no output cut, nothing made by looking."""

import io
import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import gongxu
from data.commands.language import _catalogue, columns, in_readers_language
from data.commands.lazy import load
from data.settings import settings
from data.terminal import Table, console
from tests.e2e.conftest import run_in

LANGUAGES = ("C.UTF-8", "zh_CN.UTF-8")
READS = (
    ("recommend", "--text", "需要一种低温污泥干化设备"),
    ("recommend", "--demand", "D000001"),
    ("recommend", "--achievement", "A000001"),
    ("clarify", "--demand", "D000001"),
    ("gaps", "--demand", "D000001"),
    ("advise", "--achievement", "A000001"),
    ("graph", "stats"),
    ("graph", "gaps"),
    ("models",),
    ("monitor",),
    ("keys", "list"),
    ("keys", "revoke", "nobody"),
    ("operators", "list"),
    ("operators", "password", "nobody"),
    ("experiment", "report"),
    ("lab", "recall", "--dataset", "nowhere"),
)


@pytest.fixture
def said(monkeypatch):
    """Return what `gongxu` says to words in a language."""

    def run(language, *words):
        for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LANG", language)
        return CliRunner().invoke(gongxu.app, words).output

    return run


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_overview_is_one_screen_with_every_command(said, language):
    lines = said(language, "-h").splitlines()
    assert len(lines) <= 24
    assert max(map(columns, lines)) <= 80
    text = "\n".join(lines)
    for name, command in gongxu.COMMANDS.items():
        if " " not in name and not command.hidden:
            assert f" {name}" in text, name


def test_the_reader_s_language_is_that_of_the_locale(said, monkeypatch):
    assert "Recommend achievements" in said("en_GB.UTF-8", "recommend", "-h")
    assert "为需求" in said("zh_CN.UTF-8", "recommend", "-h")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")  # the first that is set decides
    assert in_readers_language("data") == "data"


def every_help(command, below=""):
    """Yield the name of each command with a paragraph of its help."""
    texts = [command.help, *(getattr(each, "help", None) for each in command.params)]
    for text in filter(None, texts):
        for part in text.split("\n\n"):
            plain = " ".join(part.split())
            if not plain.startswith(
                ("gongxu ", "Example", "printf", "--served", "With --served", "Instead:", "Score whole")
            ):
                yield below or command.name, plain
    for name, each in getattr(command, "commands", {}).items():
        yield from every_help(each, f"{below or command.name} {name}")


@pytest.mark.parametrize("name", [n for n, c in gongxu.COMMANDS.items() if not n.startswith("lab") and not c.hidden])
def test_every_help_is_there_in_chinese(monkeypatch, name):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    known = _catalogue()
    assert gongxu.COMMANDS[name].line in known
    lacking = [(where, text) for where, text in every_help(load(gongxu.COMMANDS, name)) if text not in known]
    assert lacking == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", [("recommend",), ("graph", "term"), ("lab", "bench"), ("keys", "add")])
def test_help_breaks_lines_by_columns_and_leaves_examples_whole(said, language, words):
    lines = said(language, *words, "-h").splitlines()
    examples = [line for line in lines if line.strip().startswith("gongxu ")]
    assert examples
    assert all(columns(line) <= 80 for line in lines if line not in examples)


def test_mistyped_commands_are_answered_with_the_nearest(said):
    assert "'train'" in said("C.UTF-8", "trian")
    assert "'bench'" in said("C.UTF-8", "lab", "bnech")
    assert "'path'" in said("C.UTF-8", "graph", "paht")


def test_the_version_is_told(said):
    from importlib.metadata import version

    assert said("C.UTF-8", "--version").strip() == f"gongxu {version('gongxu')}"


def test_the_shell_completes_commands(tmp_path):
    asked = {"_GONGXU_COMPLETE": "complete_bash", "COMP_WORDS": "gongxu re", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "gongxu"], capture_output=True, text=True, env=os.environ | asked, check=False
    )
    assert {"recommend", "restore", "retrain"} <= set(done.stdout.split()), done.stderr


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_reading_makes_no_home(tmp_path, monkeypatch, words):
    home = tmp_path / "home"
    monkeypatch.setenv("GONGXU_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    try:
        CliRunner().invoke(gongxu.app, words)
    finally:
        settings.cache_clear()
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_pipe_gets_lines_in_one_piece(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    console().print("长" * 300)
    table = Table(title="表")
    table.add_column("文本")
    table.add_row("长" * 300)
    console().print(table)
    assert out.getvalue().count("长" * 300) == 2
    assert max(map(len, out.getvalue().splitlines())) < 700


def test_a_table_of_80_columns_cuts_nothing_off():
    from rich.console import Console

    from eval.online.versions import Candidate
    from training.commands.release import models_table

    figures = {name: {"value": 0.7, "low": 0.6, "high": 0.8} for name in ("ndcg10", "auc2")}
    values = dict.fromkeys(("data_digest", "base"), "x") | dict.fromkeys(
        ("calibration_error", "latency_ms", "unanswered"), 0.1
    )
    counts = dict.fromkeys(("watermark", "pairs", "held_out_pairs", "held_out_demands", "bytes"), 12345)
    candidate = Candidate(
        version="20260101-120000-001",
        created_at="2026-01-01T00:00:00Z",
        parameters={},
        held_out_share=0.2,
        figures=figures,
        model_version="17",
        decision="promoted",
        **values,
        **counts,
    )
    out = io.StringIO()
    Console(width=80, file=out).print(models_table([(candidate, ["champion", "previous"])], narrow=True))
    text = out.getvalue()
    for whole in (
        "20260101-120000-001",
        "在役 champion",
        "上一版 previous",
        "12,345 对",
        "MLflow 17",
        "0.700",
        "[0.600, 0.800]",
        "0.100",
    ):
        assert whole in text, whole
    assert "…" not in text
    assert max(map(columns, text.splitlines())) <= 80


def test_what_is_said_as_json_is_json_on_an_empty_home(tmp_path):
    done = run_in(tmp_path / "home")("models", "--json")
    assert json.loads(done.stdout) == {"models": []}
