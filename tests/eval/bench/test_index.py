"""The index benchmarks run at a small scale and print what they measured."""

import io

import numpy as np
from rich.console import Console

from eval.bench.report import BenchRow, table
from eval.bench.vector import bench_vector, synthetic_vectors


def by_metric(rows: list[BenchRow]) -> dict[str, BenchRow]:
    return {row.metric: row for row in rows}


def test_vector_rows_compare_with_flat_search():
    rows = by_metric(bench_vector(2_000, 16))
    assert rows["recall@100"].value == 1.0
    assert rows["search p50"].ratio == rows["search p50"].value / rows["flat search p50"].value
    assert rows["filter 1.0% recall"].value == 1.0
    assert rows["updates of one row"].value > 0


def test_synthetic_vectors_are_the_same_for_a_seed_and_of_length_one():
    first, again, other = (synthetic_vectors(300, 8, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)


def test_the_table_shows_every_row():
    rows = [BenchRow("vector", "search p50", 0.25, "ms", 0.05, "flat"), BenchRow("lexical", "build", 3.0, "s")]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(rows, "bench"))
    text = console.export_text()
    assert "0.250" in text
    assert "0.050" in text
    assert "3.000" in text
