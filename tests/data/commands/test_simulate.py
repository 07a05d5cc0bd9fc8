"""`gongxu lab simulate` on the command line."""

import json

import pytest
import typer
from typer.testing import CliRunner

from data.commands.simulate import simulate

SMALL = ["--achievements", "40", "--demands", "10", "--events", "100"]


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(simulate)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_writes_and_says_what_it_wrote(command, tmp_path):
    result = command("--out", str(tmp_path / "sim"), *SMALL)
    assert result.exit_code == 0
    assert "achievements.csv" in result.stdout
    assert "不代表真实平台" in result.stdout
    assert (tmp_path / "sim" / "truth" / "world.json").is_file()


def test_json_summary(command, tmp_path):
    result = command("--out", str(tmp_path / "sim"), *SMALL, "--json")
    summary = json.loads(result.stdout)
    assert (summary["achievements"], summary["demands"], sum(summary["events"].values())) == (40, 10, 100)


def test_refuses_a_folder_in_use_unless_forced(command, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    result = command("--out", str(tmp_path), *SMALL)
    assert result.exit_code == 2
    assert "is not empty" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "demands.csv").exists()
    assert command("--out", str(tmp_path), *SMALL, "--force").exit_code == 0
    assert (tmp_path / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize("words", [("--achievements", "3"), ("--demands", "0"), ("--events", "-5")])
def test_bad_numbers_get_one_line(command, tmp_path, words):
    result = command("--out", str(tmp_path / "sim"), *words)
    assert result.exit_code == 2
    assert result.stderr.strip().startswith(f"{words[0]} is {words[1]}; it must lie between")
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "sim").exists()


def test_a_file_in_the_way_gets_one_line(command, tmp_path):
    (tmp_path / "file").write_text("")
    result = command("--out", str(tmp_path / "file"), *SMALL)
    assert result.exit_code == 2
    assert "cannot be used as a folder" in result.stderr
