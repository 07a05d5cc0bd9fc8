"""`gongxu graph …` as people call it: a process of its own on a home that `gongxu build` made, and what it refuses."""

import json
import shutil

import pytest

from data.errors import GongxuError
from data.settings import settings
from tests.e2e.conftest import run_in
from tests.knowledge_graph.commands.test_graph import run
from tests.some import some


@pytest.fixture
def home(platform, tmp_path):
    """A home after `gongxu build`: a store and bundles, no graph beside them."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "bundles").symlink_to(platform.settings.bundles)
    shutil.copy(platform.settings.home / "store.db", home / "store.db")
    return home


@pytest.fixture
def here(home, monkeypatch):
    """Run in this process with that home."""
    monkeypatch.setenv("GONGXU_HOME", str(home))
    settings.cache_clear()
    yield run
    settings.cache_clear()


def test_after_a_build_the_commands_read_the_current_bundle(home):
    gongxu = run_in(home)
    done = gongxu("graph", "stats", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    version = (home / "bundles" / "current").read_text(encoding="utf-8").strip()
    assert figures["folder"] == str(home / "bundles" / version / "graph")
    assert (figures["counts"]["achievements"], figures["counts"]["demands"]) == (80, 30)


def test_every_question_is_answered_from_the_bundle(here, model, tmp_path):
    graph = model.graph
    demand, achievement = graph.demand_ids[0], graph.achievement_ids[0]
    term = graph.vocabulary.terms[int(graph.demand(0).terms[0])]
    assert json.loads(here("term", term, "--json").output)["term"] == term
    assert set(json.loads(here("path", demand, achievement, "--json").output)) == {"paths", "subgraph"}
    gaps = json.loads(here("gaps", "--json").output)
    assert all(row["score"] > 0 for row in gaps)
    assert "已写入" in here("export", str(tmp_path / "out.json"), "--format", "json").output
    nodes = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["nodes"]
    assert sum(node["kind"] == "achievement" for node in nodes) == 80


def test_a_graph_built_by_itself_goes_before_the_bundles(here, home):
    assert here("build", "--no-vectors").exit_code == 0
    assert json.loads(here("stats", "--json").output)["folder"] == str(home / "graph")


def test_the_encoder_gets_the_prefixes_of_the_settings(here, home, monkeypatch, encoder_calls):
    monkeypatch.setenv("GONGXU_ENCODER_PASSAGE_PREFIX", "passage: ")
    settings.cache_clear()
    assert here("build").exit_code == 0
    assert encoder_calls == ["passage: "]


@pytest.fixture
def encoder_calls(monkeypatch):
    """The passage prefixes that encoders were really loaded with."""
    from models.encoder.static import StaticEncoder

    seen = []
    load = StaticEncoder.load.__func__

    def watched(cls, directory, **prefixes):
        seen.append(prefixes["passage_prefix"])
        return load(cls, directory, **prefixes)

    monkeypatch.setattr(StaticEncoder, "load", classmethod(watched))
    return seen


def test_bad_input_is_one_line_and_exit_code_2(home):
    done = run_in(home)("graph", "term", "不存在的词语")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("error: the graph has no term '不存在的词语'")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("path", "D99", "A000001"), ("no demand with id 'D99'", "nearest ids: D0000")),
        (("path", "D000001", "A99"), ("no achievement with id 'A99'", "nearest ids: A0000")),
        (("term", ""), ("the graph has no term ''",)),
        (("gaps", "--region", "火星"), ("unknown region '火星'", "such as 河南")),
        (("gaps", "--industry", "99999"), ("unknown industry '99999'", "such as C")),
        (("flows", "--region", "火星"), ("unknown region '火星'",)),
        (("holders", "火星大学"), ("no holder '火星大学'",)),
        (("stats", "--graph", "/nowhere"), ("no graph in /nowhere", "gongxu build")),
        (("export", "/dev/null/out", "--format", "csv"), ("cannot write /dev/null/out", "Not a directory")),
        (("export", "/dev/null/out.json", "--format", "json"), ("cannot write /dev/null/out.json",)),
        (("export", "/", "--format", "graphml"), ("cannot write /", "Is a directory")),
        (("build", "--out", "/dev/null/graph", "--no-vectors"), ("cannot write", "/dev/null/graph")),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(here, arguments, said):
    with pytest.raises(GongxuError) as error:
        here(*arguments)
    assert "\n" not in str(error.value)
    for words in some(said):
        assert words in str(error.value)


def test_the_nearest_terms_are_named(here, model):
    term = max(model.graph.vocabulary.terms, key=len)
    with pytest.raises(GongxuError, match="nearest terms: ") as error:
        here("term", term[:-1] + "甲乙")
    assert term in str(error.value)


def test_a_home_without_any_build_says_how_to_make_one(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = run_in(home)("graph", "stats")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"error: no graph in {home}/graph; run `gongxu build` or `gongxu graph build`, or name its folder with --graph"
    )
