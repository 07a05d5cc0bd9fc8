"""Bad input anywhere: exit code 2 and exactly one clear line on stderr, with the way out."""

import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from subprocess import CompletedProcess

import pytest

import gongxu
from data.settings import settings
from data.store.store import Store
from matcher.bundle import MANIFEST, current_bundle
from tests.e2e.conftest import run_in


@pytest.fixture(scope="module")
def home(platform, tmp_path_factory):
    """A home with the tiny platform's store and bundles, linked so that nothing is written to the original."""
    home = tmp_path_factory.mktemp("errors") / "home"
    shutil.copytree(platform.settings.bundles, home / "bundles")
    shutil.copy(platform.settings.home / "store.db", home / "store.db")
    return home


@pytest.fixture
def here(monkeypatch, capfd):
    """The same in this process: the libraries are loaded once. The real `gongxu.main` with the real arguments."""

    def at(home):
        for name in [name for name in os.environ if name.startswith("GONGXU_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("GONGXU_HOME", str(home))
        monkeypatch.setenv("GONGXU_THREADS", "1")
        settings.cache_clear()

        def run(*words):
            monkeypatch.setattr(sys, "argv", ["gongxu", *map(str, words)])
            capfd.readouterr()
            code = 0
            try:
                gongxu.main()
            except SystemExit as leave:
                code = leave.code
            out, err = capfd.readouterr()
            return CompletedProcess(words, code, out, err)

        return run

    yield at
    settings.cache_clear()


def refused(done, *said):
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stderr.count("\n") == 1, done.stderr
    for words in said:
        assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--demand", "D00001"), ("no demand with id 'D00001'", "nearest ids: D000010")),
        (("--achievement", "A99"), ("no achievement with id 'A99'", "nearest ids: A0000")),
        (("--text", ""), ("the text of --text is empty", "describe the demand")),
        (("--text", " \n　"), ("the text of --text is empty",)),
        (("--text", "详见附件"), ("says nothing to match by",)),
        (("--text", "x" * 50_001), ("50,001 characters", "at most 50,000")),
        ((), ("give exactly one of --demand ID, --text TEXT, --achievement ID",)),
        (("--text", "污泥", "--demand", "D000001"), ("give exactly one of",)),
        (("--text", "污泥", "--top", "0"), ("top is 0; it must be 1 to 200",)),
        (("--text", "污泥", "--top", "201"), ("top is 201",)),
        (("--text", "污泥", "--trl", "12"), ("--trl 12 cannot be used", "9")),
        (("--text", "污泥", "--budget", "-1"), ("--budget -1.0 cannot be used", "0")),
        (("--text", "污泥", "--region", "浙江"), ("--region '浙江' cannot be used",)),
        (("--text", "污泥", "--field", " "), ("--field ' ' cannot be used",)),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else None,
)
def test_recommend_refuses(here, home, words, said):
    refused(here(home)("recommend", *words), *said)


@pytest.mark.parametrize("words", [("--demand", "D00001"), ("--text", "")])
def test_recommend_refuses_in_a_process_of_its_own(home, words):
    refused(run_in(home)("recommend", *words))


def test_a_store_without_records_says_so(here, tmp_path):
    refused(here(tmp_path)("recommend", "--demand", "D1"), "the store holds none, run `gongxu import` first")
    refused(here(tmp_path)("recommend", "--text", "污泥"), "run `gongxu import` and `gongxu build` first")


def test_build_and_train_before_their_time(here, tmp_path):
    done = here(tmp_path)("build")
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]  # before it, the steps that were done
    assert "the store holds no achievements; import some with `gongxu import`" in last
    refused(here(tmp_path)("train"), "no bundle in", "gongxu build")


def test_a_bundle_built_by_another_version(here, home, tmp_path):
    other = shutil.copytree(home, tmp_path / "home")
    manifest = current_bundle(other / "bundles") / MANIFEST
    state = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**state, "format_version": 99}))
    said = ("has format version 99, this gongxu reads version", "run `gongxu build`")
    refused(run_in(other)("recommend", "--text", "污泥"), *said)
    refused(here(other)("train"), *said)


def test_a_truncated_bundle(here, home, tmp_path):
    other = shutil.copytree(home, tmp_path / "home")
    path = current_bundle(other / "bundles") / "encoder" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    refused(here(other)("recommend", "--text", "污泥"), "model.safetensors", "run `gongxu build`")


def test_import_refuses_a_missing_folder_and_an_empty_file_and_survives_a_wrong_encoding(tmp_path):
    run = run_in(tmp_path / "home")
    refused(run("import", tmp_path / "nowhere"), "nowhere", "no such file")
    empty = tmp_path / "demands.csv"
    empty.write_bytes(b"")
    refused(run("import", empty), "demands.csv", "empty")
    wrong = tmp_path / "achievements.csv"
    wrong.write_bytes(b"achievement_id,title\nA1," + bytes(range(128, 256)) * 4)
    done = run("import", wrong)
    assert (done.returncode, done.stderr) == (3, ""), "the one row has no title that could be read"
    assert "1 行被拒绝" in done.stdout
    (listed,) = (tmp_path / "home" / "rejects").iterdir()
    assert listed.read_text(encoding="utf-8-sig").count("achievements.csv,2,") >= 1


def test_errors_are_in_the_readers_language(here, tmp_path, monkeypatch):
    run = here(tmp_path / "home")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    refused(run("import", tmp_path / "无"), "错误：", "没有这个文件")
    refused(run("import", "--undo", 7), "错误：没有编号为 7 的导入")
    monkeypatch.setenv("LC_ALL", "C")
    refused(run("import", tmp_path / "无"), "error:", "no such file")


def test_an_import_that_the_database_stops_tells_what_was_written_and_goes_on(here, tmp_path):
    home, file = tmp_path / "home", tmp_path / "成果.csv"
    file.write_text("成果编号,成果名称\n" + "".join(f"A{i:05},干化装置{i}\n" for i in range(2_500)), encoding="utf-8")
    with Store.open(f"sqlite:///{home}/store.db"), closing(sqlite3.connect(home / "store.db")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON achievements WHEN NEW.id = 'A02100' "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        run = here(home)
        done = run("import", file)
        assert done.returncode == 4, "2 would say that nothing was written"
        assert done.stderr.count("\n") == 1
        for words in ("import 1 stopped", "disk full", "成果.csv: 2,000", "run the same command again", "--undo 1"):
            assert words in done.stderr
        database.execute("DROP TRIGGER full")
        database.commit()
    done = run("import", file, "--json")
    (result,) = json.loads(done.stdout)["files"]
    assert (done.returncode, result["inserted"], result["unchanged"]) == (0, 500, 2_000)


def test_a_database_that_fails_at_once_wrote_nothing(here, tmp_path):
    home, file = tmp_path / "home", tmp_path / "成果.csv"
    file.write_text("成果编号,成果名称\nA1,干化装置\n", encoding="utf-8")
    with Store.open(f"sqlite:///{home}/store.db"), closing(sqlite3.connect(home / "store.db")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON achievements BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    refused(here(home)("import", file), "disk full")


def test_evaluate_refuses(here, judged, tmp_path):
    nowhere = run_in(tmp_path / "home")("evaluate", "--dataset", tmp_path / "nowhere")
    refused(nowhere, "nowhere/demands.csv does not exist")
    run = here(tmp_path / "home")
    refused(run("evaluate", "--dataset", judged[0], "--split", "time"), "--split 'time' is unknown", "grouped")
    refused(run("evaluate", "--dataset", judged[0], "--system", "magic"), "--system 'magic' is unknown", "ranker")
    refused(run("evaluate", "--dataset", judged[0], "--ablate", "moon"), "--ablate 'moon' is unknown", "graph")
    missing = tmp_path / "missing" / "out.json"
    refused(run("evaluate", "--dataset", judged[0], "--json", missing), "the folder of --json", "does not exist")
    copy = shutil.copytree(judged[0], tmp_path / "copy")
    (copy / "judgements.csv").write_text("demand_id,achievement_id,level\n", encoding="utf-8")
    refused(run("evaluate", "--dataset", copy), "at least 1 is needed")
