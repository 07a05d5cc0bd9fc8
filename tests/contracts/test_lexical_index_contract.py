"""What the lexical index promises, checked against bm25s and against a plain reading of the formula."""

import math
import threading
import time
from collections import Counter

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BundleError, InputError
from models.lexical_index import LexicalIndex
from models.lexical_index.domain_terms import DomainTerms
from tests.some import some

WORDS = [f"词{number}" for number in range(400)]


def random_documents(count: int, seed: int, longest: int = 40) -> list[list[str]]:
    """Documents of a Zipfian vocabulary; some are empty."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(0, longest, size=count)
    return [[WORDS[number % 400] for number in generator.zipf(1.3, size=length)] for length in lengths]


def bm25(documents: dict[int, list[str]], query: list[str]) -> dict[int, float]:
    """BM25 (k1 = 1.5, b = 0.75, idf = ln(1 + (N - n + 0.5) / (n + 0.5))) of all documents, word by word."""
    average = sum(map(len, documents.values())) / max(1, len(documents))
    frequency = Counter(word for document in documents.values() for word in set(document))
    scores = {}
    for row, document in documents.items():
        counts = Counter(document)
        scores[row] = sum(
            math.log(1 + (len(documents) - frequency[word] + 0.5) / (frequency[word] + 0.5))
            * counts[word]
            / (counts[word] + 1.5 * (0.25 + 0.75 * len(document) / average))
            for word in query
            if counts[word]
        )
    return scores


@pytest.fixture(scope="module")
def documents() -> list[list[str]]:
    return random_documents(4_000, 1)


@pytest.fixture(scope="module")
def index(documents):
    return LexicalIndex.build(documents)


def check_best(index: LexicalIndex, truth: np.ndarray, query: list[str], k: int, allowed: np.ndarray | None = None):
    """Check one answer against all true scores (n,) by row."""
    rows, scores = index.search(query, k, allowed)
    valid = truth.copy()
    if allowed is not None:
        valid[: len(allowed)][~allowed[: len(valid)]] = 0
        valid[len(allowed) :] = 0
    expected = np.sort(valid[valid > 0])[::-1][:k]
    assert len(rows) == len(set(rows.tolist())) == len(expected)
    np.testing.assert_allclose(scores, expected, rtol=1e-4)
    np.testing.assert_allclose(scores, valid[rows], rtol=1e-4)


@pytest.mark.parametrize("k", [1, 10, 300, 5_000])
@pytest.mark.parametrize("length", [1, 5, 30])
def test_scores_are_those_of_bm25s(index, documents, k, length):
    peer = bm25s.BM25(method="lucene")
    peer.index(documents, show_progress=False)
    for query in some(random_documents(15, 100 + length, longest=2 * length + 1)):
        truth = peer.get_scores(query) if query else np.zeros(len(documents))
        check_best(index, truth, query, k)
        np.testing.assert_allclose(index.scores(query, np.arange(len(documents))), truth, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001, 0.0])
def test_a_filter_never_starves_the_answer(index, documents, share):
    allowed = np.random.default_rng(3).random(len(documents)) < share
    for query in some(random_documents(10, 4, longest=20)):
        truth = index.scores(query, np.arange(len(documents)))
        check_best(index, truth, query, 100, allowed)
        check_best(index, truth, query, 100, allowed[:700])
        check_best(index, truth, query, 100, np.concatenate((allowed, np.ones(9, dtype=np.bool_))))


def test_unknown_words_and_empty_queries_find_nothing(index):
    for query in ([], ["从未出现"]):
        rows, scores = index.search(query, 10)
        assert (len(rows), len(scores)) == (0, 0)
        assert index.scores(query, np.array([1, 2])).tolist() == [0.0, 0.0]
    assert len(LexicalIndex.build([]).search(["词1"], 5)[0]) == 0


def test_scores_keep_the_order_of_the_rows_asked_for(index):
    query, rows = WORDS[1:9], np.array([70, 3, 3, 99_999, 12])
    scores = index.scores(query, rows)
    assert scores.tolist() == [index.scores(query, np.array([row]))[0] for row in rows]
    assert scores[3] == 0


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_history_of_writes_answers_like_the_formula(data):
    text = st.lists(st.sampled_from(WORDS[:12]), max_size=6)
    row = st.integers(0, 20)
    documents = dict(enumerate(data.draw(st.lists(text, max_size=10))))
    index = LexicalIndex.build(documents.values())
    for _ in range(data.draw(st.integers(0, 5))):
        if data.draw(st.booleans()):
            written = data.draw(st.lists(st.tuples(row, text), max_size=4))
            index.add(np.array([number for number, _ in written], dtype=np.int64), [words for _, words in written])
            documents.update(written)
        else:
            removed = data.draw(st.lists(row, max_size=3))
            index.remove(np.array(removed, dtype=np.int64))
            for number in removed:
                documents.pop(number, None)
    assert len(index) == len(documents)
    query = data.draw(text)
    truth = np.zeros(21)
    for number, score in bm25(documents, query).items():
        truth[number] = score
    check_best(index, truth, query, data.draw(st.integers(1, 30)))
    np.testing.assert_allclose(index.scores(query, np.arange(21)), truth, rtol=1e-4, atol=1e-6)


def test_writes_to_a_large_index_are_found_at_once_and_a_merge_restores_the_statistics(documents):
    index = LexicalIndex.build(documents)
    held = dict(enumerate(documents))
    for number, document in some(enumerate(random_documents(700, 5))):
        row = 4_000 + number if number % 2 else number
        index.add(np.array([row]), [[*document, f"新{number}"]])
        held[row] = [*document, f"新{number}"]
        assert index.search([f"新{number}"], 5)[0].tolist() == [row]
        if number % 10 == 0:
            index.remove(np.array([row]))
            del held[row]
            assert index.search([f"新{number}"], 5)[0].tolist() == []
    index.wait()
    assert len(index) == len(held)
    index.merge()
    truth = np.zeros(5_000)
    query = WORDS[2:12]
    for row, score in bm25(held, query).items():
        truth[row] = score
    check_best(index, truth, query, 200)


@pytest.mark.parametrize("memory_map", [True, False])
def test_what_is_saved_is_loaded(documents, tmp_path, memory_map):
    index = LexicalIndex.build(documents, np.arange(len(documents))[::-1] * 3)
    index.add(np.array([1, 3]), [["新词", "词1"], ["词2"]])
    index.remove(np.array([6, 9]))
    index.save(tmp_path)
    loaded = LexicalIndex.load(tmp_path, memory_map=memory_map)
    assert len(loaded) == len(index)
    for query in [*random_documents(10, 6), ["新词"]]:
        for mine, theirs in zip(index.search(query, 50), loaded.search(query, 50), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    loaded.add(np.array([3]), [["后来"]])
    assert loaded.search(["后来"], 1)[0].tolist() == [3]


def test_readers_see_whole_states_while_a_writer_writes():
    """All documents hold the word of one version, written at once: no answer may mix versions."""
    count, versions = 1_200, 25
    index = LexicalIndex.build([["词0", f"版{0}", *WORDS[number % 50 : number % 50 + 5]] for number in range(count)])
    vocabulary = [f"版{version}" for version in range(versions + 1)]
    stop, written = threading.Event(), [0]
    errors: list[BaseException] = []
    answers = [0]

    def read() -> None:
        while not stop.is_set():
            try:
                begun = written[0]
                segments = index.search(vocabulary, count + 1)[0]
                held = [version for version in (begun, begun + 1) if len(index.search([vocabulary[version]], 9)[0])]
                answers[0] += 1
                if len(segments) != count or len(set(segments.tolist())) != count:
                    raise AssertionError(f"{len(segments)} rows instead of {count}")
                if begun == written[0] and not held:
                    raise AssertionError(f"version {begun} was acknowledged and is not found")
            except BaseException as error:
                errors.append(error)
                return

    vocabulary.append("版末")
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(1, versions + 1):
        index.add(np.arange(count), [["词0", vocabulary[version], *WORDS[n % 50 : n % 50 + 5]] for n in range(count)])
        written[0] = version
    stop.set()
    for reader in readers:
        reader.join()
    index.wait()
    assert not errors
    assert answers[0] > 5
    assert len(index.search([vocabulary[versions]], count)[0]) == len(index) == count


def test_bad_input_is_refused_in_one_clear_line(index, tmp_path):
    with pytest.raises(InputError, match="k is 0"):
        index.search(["词1"], 0)
    with pytest.raises(InputError, match="mask"):
        index.search(["词1"], 3, np.ones(5, dtype=np.int64))
    with pytest.raises(InputError, match="negative"):
        index.add(np.array([-1]), [["词1"]])
    with pytest.raises(InputError, match="2 rows but 1 documents"):
        index.add(np.array([1, 2]), [["词1"]])
    with pytest.raises(InputError, match="twice"):
        LexicalIndex.build([["甲"], ["乙"]], np.array([4, 4]))
    with pytest.raises(BundleError, match="gongxu build"):
        LexicalIndex.load(tmp_path / "nowhere")


TERMS = ("磷酸铁锂电池", "锂电池", "动力电池", "电池", "铁")


def test_a_compound_is_found_by_its_parts_and_its_parts_by_it():
    documents = [["磷酸", "铁锂", "电池"], ["动力电池组"], ["电池"], ["磷酸"], ["铁锂电池盒"]]
    plain, known = LexicalIndex.build(documents), LexicalIndex.build(documents, terms=TERMS)
    assert sorted(plain.search(["电池"], 9)[0].tolist()) == [0, 2]
    assert sorted(known.search(["电池"], 9)[0].tolist()) == [0, 1, 2, 4]
    assert known.search(["动力", "电池"], 1)[0].tolist() == [1]
    assert sorted(known.search(["锂电池"], 9)[0].tolist()) == [0, 1, 2, 4]
    # whatever was found by words alone is still found
    for query in (["磷酸"], ["动力电池组"], ["铁锂", "电池"]):
        assert set(plain.search(query, 9)[0].tolist()) <= set(known.search(query, 9)[0].tolist())


def test_domain_terms_hold_for_writes_scores_and_after_loading(tmp_path):
    index = LexicalIndex.build([["动力电池组"], ["污泥"]], terms=TERMS)
    index.add(np.array([5]), [["磷酸", "铁锂", "电池"]])
    assert index.search(["锂", "电池"], 9)[0].tolist()[0] == 5
    assert (index.scores(["电池"], np.array([0, 1, 5])) > 0).tolist() == [True, False, True]
    index.save(tmp_path)
    loaded = LexicalIndex.load(tmp_path)
    loaded.add(np.array([7]), [["磷酸铁锂电池"]])
    assert set(loaded.search(["锂", "电池"], 9)[0].tolist()) == {0, 5, 7}


@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.text("磷酸铁锂电池动力a1", min_size=1, max_size=6), max_size=9))
def test_terms_are_added_and_no_word_is_taken_away(words):
    found = DomainTerms(TERMS).added_to(words)
    assert list(found[: len(words)]) == words
    text = "".join(words)
    assert all(term in TERMS and term in text for term in found[len(words) :])
    for first in range(len(words)):
        for end in range(first + 2, min(len(words), first + 6) + 1):
            if "".join(words[first:end]) in TERMS:
                assert "".join(words[first:end]) in found[len(words) :]
    assert DomainTerms().added_to(words) == words


def test_a_very_long_word_is_read_in_linear_time():
    terms = DomainTerms(TERMS)
    begun = time.process_time()
    assert terms.added_to(["电池" * 20_000]).count("电池") == 20_000
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("terms", [(), ("词1词2", "词33")])
def test_a_renewed_index_is_the_one_built_of_all_documents(documents, terms, mapped, tmp_path):
    before = LexicalIndex.build(documents, terms=terms)
    if mapped:
        before.save(tmp_path / "index")
        before = LexicalIndex.load(tmp_path / "index")
    # Some documents go, some are new or edited, and one that is kept moves to the front.
    kept = np.array([3_999, -1, *range(2_000), -1, *range(2_010, 3_000), -1])
    read = [["新词", "词1", "词2"], *random_documents(2, 7)]
    given = iter(read)
    now = [next(given) if row < 0 else documents[row] for row in kept.tolist()]
    renewed, built = before.renewed(kept, read), LexicalIndex.build(now, terms=terms)
    assert len(renewed) == len(built) == len(now)
    for query in some([*random_documents(30, 9, 12), ["新词", "词5"], ["词33"]]):
        ours, theirs = renewed.search(query, 50), built.search(query, 50)
        np.testing.assert_array_equal(ours[1], theirs[1])
        np.testing.assert_array_equal(
            renewed.scores(query, np.arange(len(now))), built.scores(query, np.arange(len(now)))
        )
    nothing = before.renewed(np.full(len(read), -1), read)
    np.testing.assert_array_equal(
        nothing.scores(["词1"], np.arange(3)), LexicalIndex.build(read, terms=terms).scores(["词1"], np.arange(3))
    )
    assert len(before.renewed(np.arange(5), [])) == 5
    with pytest.raises(InputError, match="1 documents are given for 0 rows"):
        before.renewed(np.arange(5), [["词1"]])
    before.add(np.array([1]), [["词1"]])
    before.remove(np.arange(3_000))
    if not mapped:
        with pytest.raises(InputError, match="as it was built"):
            before.renewed(np.arange(5), [])
