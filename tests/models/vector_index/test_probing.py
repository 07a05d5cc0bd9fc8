"""How far an inverted-list search goes is measured on the vectors, and holds for queries it has not seen."""

import numpy as np
import pytest

from models.vector_index.ivf import IvfSegment
from models.vector_index.probing import Probing
from tests.some import some


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    generator = np.random.default_rng(1)
    centres = generator.normal(size=(60, 32))
    held = centres[generator.integers(60, size=8_000)] + generator.normal(size=(8_000, 32))
    return (held / np.linalg.norm(held, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def segment(vectors) -> IvfSegment:
    return IvfSegment.build(vectors[:7_800])


def test_unseen_queries_reach_the_recall_that_was_asked_for(segment, vectors):
    queries = vectors[7_800:]
    true = np.argsort(-(queries @ segment.vectors.T), axis=1)
    for k in (10, 100, 300):
        found, _ = segment.search(queries, k, None)
        recall = np.mean([len(np.intersect1d(a, b[:k])) / k for a, b in zip(found, true, strict=True)])
        assert recall >= 0.98


def test_measurements_grow_with_k_and_survive_json(segment):
    probing = segment.probing
    assert Probing.from_lists(probing.as_lists()) == probing
    assert 0 < probing.share(10, 1.0) <= probing.share(100, 1.0) <= probing.share(1_000, 1.0) <= 1
    assert probing.share(100, 0.5) <= 1
    counts = [probing.candidates(k) for k in (1, 10, 30, 100, 300, 1_000)]
    assert counts == sorted(counts)
    assert all(count >= k for count, k in zip(counts, (1, 10, 30, 100, 300, 1_000), strict=True))


def test_building_twice_gives_the_same_answers(vectors):
    once, again = (IvfSegment.build(vectors[:2_000]).search(vectors[7_800:], 50, None) for _ in range(2))
    for mine, theirs in some(zip(once, again, strict=True)):
        np.testing.assert_array_equal(mine, theirs)


def test_odd_dimensions_and_periodic_filters_work(vectors):
    odd = np.ascontiguousarray(vectors[:2_000, :31])
    odd /= np.linalg.norm(odd, axis=1, keepdims=True)
    segment = IvfSegment.build(odd)
    allowed = np.arange(len(odd)) % 2 == 1
    positions, scores = segment.search(odd[:5], 40, allowed)
    assert (positions % 2 == 1).all()
    np.testing.assert_allclose(scores, np.einsum("qd,qkd->qk", odd[:5], odd[positions]), atol=1e-5)
