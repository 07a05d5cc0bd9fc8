"""Texts as numbers: lengths, gaps, associations, saving."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from data.columns.arrays import heaviest
from data.records import Achievement, Demand
from matcher.texts.space import TextSpace, Vocabulary, character_grams, record_text
from tests.matcher.worlds import TOPICS
from tests.some import some

ODD_TEXTS = ["", "无", "𠮷龘", "zzzz qqqq", "！？。", "a", "12", "😀" * 30, "长" * 5000]


def arrays(rows):
    return {
        "vectors": rows.vectors,
        "topics": rows.topics,
        "words": rows.words.toarray(),
        "grams": rows.grams.toarray(),
    }


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_every_row_has_length_one_or_is_zero(known, kind):
    rows = known.space.rows(ODD_TEXTS + [demand.title for demand in known.world.demands], kind)
    for name, values in some(arrays(rows).items()):
        assert np.isfinite(values).all(), name
        lengths = np.linalg.norm(values, axis=1)
        assert np.isclose(lengths, 1, atol=1e-4).sum() + np.isclose(lengths, 0).sum() == len(lengths), name
        assert lengths[0] == 0, name  # the empty text
        assert np.allclose(lengths[len(ODD_TEXTS) :], 1, atol=1e-4), name


@given(st.lists(st.text(max_size=60), max_size=4))
@limits(max_examples=40, deadline=None)
def test_no_text_gives_anything_but_finite_numbers(known, texts):
    rows = known.space.rows(texts, "query")
    for values in some(arrays(rows).values()):
        assert values.shape[0] == len(texts)
        assert np.isfinite(values).all()


def test_a_text_s_numbers_do_not_depend_on_its_company(known):
    titles = [demand.title for demand in known.world.demands[:5]]
    together = arrays(known.space.rows(titles, "query"))
    for row, title in some(enumerate(titles)):
        for name, alone in some(arrays(known.space.rows([title], "query")).items()):
            np.testing.assert_allclose(alone[0], together[name][row], atol=1e-6, err_msg=name)


def test_boilerplate_says_nothing_and_a_title_counts_twice():
    achievement = Achievement(achievement_id="A", title="污泥干化", content="详见附件", indicators="含水率40%")
    assert record_text(achievement).full == "污泥干化 污泥干化 含水率40%"
    assert record_text(Demand(demand_id="D", title="污泥干化", content="未提供。")).full == "污泥干化"
    assert record_text(Demand(demand_id="D", title="无", kpis="含水率40%", keywords=("干化",))).full == "干化 含水率40%"


def test_word_weights_by_hand():
    vocabulary = Vocabulary.fit({"c": 1, "a": 3, "b": 1}, 3, limit=10)
    assert vocabulary.terms == ["a", "b", "c"]  # by document frequency, then alphabetically
    np.testing.assert_allclose(vocabulary.idf, np.log([4 / 4, 4 / 2, 4 / 2]) + 1, rtol=1e-6)
    row = vocabulary.rows([["c", "c", "b", "unknown"]]).toarray()[0]
    weights = np.array([0, vocabulary.idf[1], (1 + np.log(2)) * vocabulary.idf[2]])
    np.testing.assert_allclose(row, weights / np.linalg.norm(weights), rtol=1e-6)


def test_the_vocabulary_keeps_what_stands_in_most_texts():
    frequency = {"d": 1, "b": 2, "a": 3, "c": 1}
    assert Vocabulary.fit(frequency, 4, limit=2).terms == ["a", "b"]
    assert Vocabulary.fit(frequency, 4, limit=9, at_least=2).terms == ["a", "b"]


def test_grams_never_reach_across_a_gap():
    assert character_grams("锂电 池A1") == ["锂电", "池a", "a1", "池a1"]


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6), min_size=1, max_size=5), st.integers(1, 4))
@limits(max_examples=50, deadline=None)
def test_the_heaviest_entries_are_kept(rows, k):
    from scipy.sparse import csr_array

    dense = np.array(rows, dtype=np.float32)
    kept = heaviest(csr_array(dense), k).toarray()
    for before, after in some(zip(dense, kept, strict=True)):
        np.testing.assert_allclose(np.sort(after)[::-1][:k], np.sort(before)[::-1][:k])
        assert (after > 0).sum() <= k
        assert np.isin(after[after > 0], before).all()


def test_words_of_one_topic_are_associated_and_others_are_not(known):
    space = known.space
    associations = space.associations
    of_topic = {word: number for number, topic in enumerate(TOPICS) for word in topic}
    row = np.repeat(np.arange(associations.shape[0]), np.diff(associations.indptr))
    assert (row != associations.indices).all()  # no word is its own associate
    told = [
        (of_topic[space.words.terms[i]] == of_topic[space.words.terms[j]])
        for i, j in zip(row, associations.indices, strict=True)
        if space.words.terms[i] in of_topic and space.words.terms[j] in of_topic
    ]
    assert len(told) > 50
    assert all(told)
    lengths = np.sqrt(np.bincount(row, associations.data.astype(np.float64) ** 2, minlength=associations.shape[0]))
    assert np.allclose(lengths[lengths > 0], 1, atol=1e-5)


def test_topics_bring_texts_of_one_topic_together(known):
    topics = known.achievements.texts.full.topics
    cosine = topics @ topics.T
    same = known.world.achievement_topic[:, None] == known.world.achievement_topic[None, :]
    assert cosine[same].min() > cosine[~same].max()


def test_fitting_is_deterministic(known, encoder):
    texts = [record_text(demand).full for demand in known.world.demands]
    first, second = (TextSpace.fit(encoder, texts) for _ in range(2))
    np.testing.assert_array_equal(first.projection, second.projection)
    assert first.words.terms == second.words.terms


def test_a_saved_space_gives_identical_numbers(known, encoder, tmp_path):
    known.space.save(tmp_path / "space")
    loaded = TextSpace.load(tmp_path / "space", encoder)
    texts = [*ODD_TEXTS, *(demand.content for demand in known.world.demands)]
    before, after = known.space.rows(texts, "query"), loaded.rows(texts, "query")
    for name, values in arrays(before).items():
        np.testing.assert_array_equal(arrays(after)[name], values, err_msg=name)
    np.testing.assert_array_equal(after.reach, before.reach)
    np.testing.assert_array_equal(loaded.associated_by.toarray(), known.space.associations.toarray().T)


def test_reach_is_the_length_of_the_associated_words(known):
    rows = known.space.rows([*ODD_TEXTS, *(demand.content for demand in known.world.demands)], "query")
    spread = rows.words.toarray() @ known.space.associations.toarray()
    np.testing.assert_allclose(rows.reach, np.linalg.norm(spread, axis=1), rtol=1e-4, atol=1e-7)
