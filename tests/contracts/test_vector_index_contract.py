"""What every kind of vector index promises, checked against brute force."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BundleError, InputError
from models.vector_index import build_vector_index, load_vector_index

KINDS = ("exact", "ivf")
DIMENSION = 24


def unit_vectors(count: int, seed: int, dimension: int = DIMENSION) -> np.ndarray:
    """Vectors around a few dozen centres, of length 1."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(40, dimension))
    vectors = centres[generator.integers(40, size=count)] + 0.8 * generator.normal(size=(count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return unit_vectors(9_000, 1)


@pytest.fixture(scope="module", params=KINDS)
def index(request, vectors):
    return build_vector_index(vectors, kind=request.param)


def recall(found: np.ndarray, queries: np.ndarray, vectors: np.ndarray, allowed: np.ndarray, k: int) -> float:
    candidates = np.flatnonzero(allowed)
    true = candidates[np.argsort(-(queries @ vectors[candidates].T), axis=1, kind="stable")[:, :k]]
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(found, true, strict=True)]))


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01, 0.001])
def test_a_random_filter_never_starves_the_answer(index, vectors, share):
    allowed = np.random.default_rng(5).random(len(vectors)) < share
    queries = unit_vectors(40, 2)
    rows, scores = index.search(queries, 100, None if share == 1.0 else allowed)
    expected = min(100, int(allowed.sum()))
    assert rows.shape == scores.shape == (40, 100)
    assert np.all((rows >= 0).sum(axis=1) == expected)
    assert np.all(rows[:, expected:] == -1)
    assert np.all(np.isneginf(scores[:, expected:]))
    assert allowed[rows[:, :expected]].all()
    assert recall(rows[:, :expected], queries, vectors, allowed, expected) >= 0.98


@pytest.mark.parametrize("side", ["near", "far"])
@pytest.mark.parametrize("share", [0.6, 0.1])
def test_a_filter_bound_to_the_query_keeps_recall(index, vectors, side, share):
    queries = unit_vectors(20, 3)
    recalls = []
    for query in queries:
        nearness = vectors @ query
        allowed = nearness >= np.quantile(nearness, 1 - share)
        if side == "far":
            allowed = nearness <= np.quantile(nearness, share)
        rows, _ = index.search(query[None], 100, allowed)
        recalls.append(recall(rows, query[None], vectors, allowed, 100))
    assert np.mean(recalls) >= 0.98
    assert min(recalls) >= 0.85


def test_scores_are_exact_inner_products_best_first(index, vectors):
    queries = unit_vectors(10, 4)
    rows, scores = index.search(queries, 50)
    np.testing.assert_allclose(scores, np.einsum("qd,qkd->qk", queries, vectors[rows]), atol=1e-5)
    assert np.all(np.diff(scores, axis=1) <= 0)
    assert all(len(set(row.tolist())) == 50 for row in rows)


def test_one_query_alone_finds_what_it_finds_in_a_batch(index):
    queries = unit_vectors(8, 6)
    together = index.search(queries, 20)[0]
    alone = np.concatenate([index.search(query[None], 20)[0] for query in queries])
    assert np.mean(together == alone) > 0.98  # sums of floats may differ in the last bit


def test_rows_beyond_the_mask_are_not_allowed_and_its_excess_is_ignored(index, vectors):
    short = np.ones(50, dtype=np.bool_)
    assert set(index.search(vectors[:1], 60, short)[0][0].tolist()) == {*range(50), -1}
    long = np.zeros(len(vectors) + 1_000, dtype=np.bool_)
    long[[3, len(vectors) + 5]] = True
    assert index.search(vectors[:1], 2, long)[0].tolist() == [[3, -1]]
    assert index.search(vectors[:1], 1, np.zeros(0, dtype=np.bool_))[0].tolist() == [[-1]]


@pytest.mark.parametrize("memory_map", [True, False])
def test_what_is_saved_is_loaded(index, vectors, tmp_path, memory_map):
    index.save(tmp_path / "index")
    loaded = load_vector_index(tmp_path / "index", memory_map=memory_map)
    assert (len(loaded), loaded.dimension) == (len(index), DIMENSION)
    allowed = np.random.default_rng(5).random(len(vectors)) < 0.5
    for mask in (None, allowed):
        for mine, theirs in zip(index.search(vectors[:5], 30, mask), loaded.search(vectors[:5], 30, mask), strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_unmerged_writes_survive_saving_and_loading(kind, tmp_path):
    vectors = unit_vectors(6_000, 7)
    index = build_vector_index(vectors, kind=kind)
    index.remove(np.arange(10))
    index.add(np.array([10, 9_999]), vectors[[5_000, 5_001]])
    index.save(tmp_path)
    loaded = load_vector_index(tmp_path)
    assert len(loaded) == len(index) == 6_000 - 10 + 1
    assert set(loaded.search(vectors[[5_000]], 2)[0][0].tolist()) == {10, 5_000}
    assert set(loaded.search(vectors[[5_001]], 2)[0][0].tolist()) == {9_999, 5_001}
    assert not np.isin(loaded.search(vectors[:10], 20)[0], np.arange(10)).any()
    loaded.add(np.array([3]), vectors[[3]])
    assert loaded.search(vectors[[3]], 1)[0].tolist() == [[3]]


@pytest.mark.parametrize("kind", KINDS)
def test_many_tombstones_do_not_starve_the_answer(kind):
    vectors = unit_vectors(6_000, 8)
    index = build_vector_index(vectors, kind=kind)
    gone = np.argsort(-(vectors @ vectors[0]))[:900]
    index.remove(gone)
    rows, _ = index.search(vectors[:1], 100)
    alive = np.ones(6_000, dtype=np.bool_)
    alive[gone] = False
    assert recall(rows, vectors[:1], vectors, alive, 100) >= 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_a_merge_changes_no_answer(kind):
    vectors = unit_vectors(5_000, 9)
    index = build_vector_index(vectors[:4_600], kind=kind)
    index.add(np.arange(4_600, 5_000), vectors[4_600:])
    index.remove(np.arange(0, 200))
    before = index.search(vectors[300:310], 10)[0]
    index.merge()
    after = index.search(vectors[300:310], 10)[0]
    assert len(index) == 4_800
    assert np.mean(before == after) >= 0.98


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_any_history_of_writes_answers_like_brute_force(data, kind):
    seed = data.draw(st.integers(0, 10_000))
    generator = np.random.default_rng(seed)
    first = data.draw(st.integers(0, 30))
    rows = np.sort(generator.permutation(60)[:first]).astype(np.int64)
    pool = generator.normal(size=(200, 5)).astype(np.float32)
    truth = {int(row): pool[number] for number, row in enumerate(rows)}
    index = build_vector_index(pool[:first], rows, kind)
    for step in range(data.draw(st.integers(0, 6))):
        chosen = generator.integers(0, 60, size=data.draw(st.integers(0, 8)))
        match data.draw(st.sampled_from(["add", "remove", "merge"])):
            case "add":
                written = pool[100 + step * 8 : 100 + step * 8 + len(chosen)]
                index.add(chosen, written)
                truth.update({int(row): vector for row, vector in zip(chosen, written, strict=True)})
            case "remove":
                index.remove(chosen)
                for row in chosen.tolist():
                    truth.pop(row, None)
            case _:
                index.merge()
    assert len(index) == len(truth)
    k = data.draw(st.integers(1, 70))
    mask = generator.random(data.draw(st.integers(0, 70))) < 0.6 if data.draw(st.booleans()) else None
    query = pool[-1:]
    found, scores = index.search(query, k, mask)
    valid = [row for row in truth if mask is None or (row < len(mask) and mask[row])]
    expected = sorted(((float(truth[row] @ query[0]), row) for row in valid), reverse=True)[:k]
    assert found[0, : len(expected)].tolist() == [row for _, row in expected]
    np.testing.assert_allclose(scores[0, : len(expected)], [score for score, _ in expected], atol=1e-4)
    assert np.all(found[0, len(expected) :] == -1)


@pytest.mark.parametrize("kind", KINDS)
def test_readers_see_whole_states_while_a_writer_writes(kind):
    """Rows come in pairs written together with opposite vectors and a version: no answer may mix versions or halves."""
    dimension, pairs, versions = 16, 1_500, 25
    generator = np.random.default_rng(10)
    axis = np.eye(dimension, dtype=np.float32)

    def state(version: int) -> np.ndarray:
        """Vectors of all rows in a version: the marked coordinate tells the version from every answer's scores."""
        spread = np.random.default_rng(version).normal(size=(2 * pairs, dimension)).astype(np.float32) * 0.01
        spread[:, 0] = 0.0
        spread[:, 1] = version
        return spread

    index = build_vector_index(state(0), kind=kind)
    rows = np.arange(2 * pairs)
    stop = threading.Event()
    answers: list[tuple[int, int, set[int]]] = []
    errors: list[BaseException] = []

    def read() -> None:
        while not stop.is_set():
            try:
                begun = written[0]
                found, scores = index.search(axis[1][None], 64)
                answers.append((begun, round(float(scores[0, 0])), set(np.round(scores[0]).astype(int).tolist())))
                if len(set(found[0].tolist())) != 64:
                    raise AssertionError(f"a row stands twice: {found[0]}")
            except BaseException as error:
                errors.append(error)
                return

    written = [0]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(1, versions + 1):
        index.add(generator.permutation(rows), state(version))
        written[0] = version
        time.sleep(0.005)
    stop.set()
    for reader in readers:
        reader.join()
    index.wait()
    assert not errors
    assert len(answers) > 20
    assert all(len(seen) == 1 for _, _, seen in answers)
    assert all(newest >= begun for begun, newest, _ in answers)
    assert len(index) == 2 * pairs
    assert index.search(axis[1][None], 1)[1][0, 0] == pytest.approx(versions)


@pytest.mark.parametrize("kind", KINDS)
def test_single_writes_are_found_at_once_during_background_merges(kind):
    vectors = unit_vectors(3_000, 11)
    fresh = unit_vectors(2_500, 12)
    index = build_vector_index(vectors, kind=kind)
    for number, vector in enumerate(fresh):
        index.add(np.array([3_000 + number]), vector[None])
        if number % 50 == 0:
            assert index.search(vector[None], 1)[0][0, 0] == 3_000 + number
            index.remove(np.array([number]))
            assert number not in index.search(vectors[[number]], 5)[0]
    index.wait()
    assert len(index) == 5_500 - 50
    assert np.mean(index.search(fresh, 1)[0][:, 0] == np.arange(3_000, 5_500)) >= 0.995


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_refused_in_one_clear_line(kind):
    index = build_vector_index(unit_vectors(50, 13), kind=kind)
    with pytest.raises(InputError, match="k is 0"):
        index.search(unit_vectors(1, 1), 0)
    with pytest.raises(InputError, match=r"\(1, 7\)"):
        index.search(np.ones((1, 7), dtype=np.float32), 3)
    with pytest.raises(InputError, match="mask"):
        index.search(unit_vectors(1, 1), 3, np.ones(50, dtype=np.int64))
    with pytest.raises(InputError, match="negative"):
        index.add(np.array([-1]), unit_vectors(1, 1))
    with pytest.raises(InputError, match="2 rows but 1 vectors"):
        index.add(np.array([1, 2]), unit_vectors(1, 1))
    with pytest.raises(InputError, match="not finite"):
        index.add(np.array([1]), np.full((1, DIMENSION), np.nan, dtype=np.float32))
    with pytest.raises(InputError, match="twice"):
        build_vector_index(unit_vectors(2, 1), np.array([4, 4]), kind)


def test_a_missing_or_damaged_index_is_refused(tmp_path):
    with pytest.raises(BundleError, match="gongxu build"):
        load_vector_index(tmp_path / "nowhere")
    build_vector_index(unit_vectors(50, 13)).save(tmp_path)
    (tmp_path / "vectors.npy").write_bytes(b"broken")
    with pytest.raises(BundleError, match="gongxu build"):
        load_vector_index(tmp_path)


def test_small_sets_are_searched_exactly_and_large_ones_by_lists(vectors):
    assert build_vector_index(vectors).kind == "exact"
    assert build_vector_index(unit_vectors(10_500, 14)).kind == "ivf"
