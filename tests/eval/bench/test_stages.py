"""The stages over texts and whole requests run at a small scale; the command tells what it left out."""

import json

import pytest
from typer.testing import CliRunner

from data.errors import BundleError
from data.settings import Settings, settings
from eval.bench.encode import bench_encode, simulated_texts
from eval.bench.graph import bench_graph, bench_graph_build
from eval.bench.lexical import bench_lexical
from eval.bench.report import BenchRow, resident_mib
from eval.bench.request import bench_request


def by_metric(rows: list[BenchRow]) -> dict[str, BenchRow]:
    return {row.metric.strip(): row for row in rows}


@pytest.fixture
def command():
    from typer import Typer

    from eval.commands.bench import bench

    app = Typer()
    app.command()(bench)
    return app


def test_requests_are_compared_with_flat_search_and_taken_apart(platform):
    rows = by_metric(bench_request(platform.settings))
    request, flat = rows["request p50"], rows["flat search p50"]
    assert request.ratio == pytest.approx(request.value / flat.value)
    beside = rows["request p50, to an assembled one"]
    assert beside.ratio == pytest.approx(request.value / rows["assembled p50"].value)
    assert 0 < rows["candidates, median"].value <= 80
    stages = {"subject", "history", "candidates", "preselection", "graph signals", "features", "score"}
    parts = [row for name, row in rows.items() if name.strip() in stages]
    assert len(parts) >= 5
    assert sum(row.value for row in parts) < 20 * request.value  # of the same order, on a machine that others use too
    assert rows["with reasons p50"].value > 0
    assert rows["throughput, 1 thread"].value > 0
    assert rows["updates of one achievement"].value > 0


def test_a_request_needs_a_bundle(tmp_path):
    with pytest.raises(BundleError, match="gongxu build"):
        bench_request(Settings(home=tmp_path))


def test_encoding_is_compared_with_sentence_transformers():
    rows = by_metric(bench_encode(60))
    assert 0 < rows["one query p50"].ratio < 1
    assert rows["many texts, per CPU second"].value > 0


def test_lexical_rows_compare_with_bm25s():
    rows = by_metric(bench_lexical(1_500))
    assert rows["search p50"].ratio is not None
    assert rows["search p50"].value > 0
    assert rows["size"].value > 0


def test_simulated_texts_are_the_same_every_time_and_of_the_length_asked_for():
    texts = simulated_texts(30, 40)
    assert texts == simulated_texts(30, 40)
    assert len(texts) == 30
    assert max(map(len, texts)) == 40


def test_memory_is_that_of_this_process():
    before = resident_mib()
    held = bytearray(64 * 2**20)
    held[::4096] = b"1" * len(held[::4096])
    assert 32 < resident_mib() - before < 256


def test_the_command_leaves_out_requests_without_a_bundle_and_refuses_unknown_stages(command, tmp_path, monkeypatch):
    monkeypatch.setenv("GONGXU_HOME", str(tmp_path))
    settings.cache_clear()
    try:
        unknown = CliRunner().invoke(command, ["--stage", "vectors"])
        assert "no stage 'vectors'; stages: vector, lexical, encode, graph, graph-build, request" in str(
            unknown.exception
        )
        told = CliRunner().invoke(command, ["--stage", "request"])
        assert isinstance(told.exception, BundleError)
        rows = tmp_path / "rows.json"
        done = CliRunner().invoke(command, ["--scale", "1000", "--stage", "lexical", "--json", str(rows)])
        assert done.exit_code == 0
        assert {row["metric"] for row in json.loads(rows.read_bytes())} >= {"build, CPU", "search p50", "memory"}
    finally:
        settings.cache_clear()


def test_the_graph_of_the_bundle_is_compared_with_networkx(platform):
    rows = by_metric(bench_graph(platform.settings))
    mine, peer = rows["all signals of 300 p50"], rows["networkx, with PageRank p50"]
    assert mine.ratio == mine.value / peer.value
    assert rows["term signals of 300 p50"].ratio > 0
    assert rows["update of one record p50"].value > 0
    assert rows["top 300 p50"].value > 0
    assert rows["size"].value > 0


def test_building_the_graph_is_timed(platform):
    rows = by_metric(bench_graph_build(platform.settings))
    assert 0 < rows["build, CPU"].value < 600
    assert rows["terms"].value > 100
