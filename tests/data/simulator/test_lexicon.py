"""The authored lexicon: complete, well formed, and in two wordings."""

import jieba

from data.simulator.lexicon import INDICATORS_EACH, load_lexicon
from data.simulator.relevance import RELATED, SAME_GROUP, technology_affinity
from data.simulator.wording import value_of
from tests.some import some


def test_lexicon_is_as_large_as_promised():
    lexicon = load_lexicon()
    assert len(lexicon.industries) >= 20
    assert len(lexicon.technologies) >= 600
    terms = [technology.term for technology in lexicon.technologies]
    assert len(set(terms)) == len(terms)
    for technology in lexicon.technologies:
        assert len(technology.indicators) == INDICATORS_EACH
        assert len(technology.materials) >= 2
        assert len(technology.processes) >= 2
        assert technology.code.isdigit()
        assert len(technology.code) == 4
    assert all(len(place.code) == 6 and place.code.isdigit() for place in lexicon.places)


def test_most_ideas_have_two_wordings_without_a_common_word():
    def words(text: str) -> set[str]:
        return {word for word in jieba.cut(text) if len(word) > 1}

    technologies = load_lexicon().technologies
    apart = [not words(t.term) & words("".join((*t.wants, *t.pains))) for t in technologies]
    assert sum(apart) / len(apart) > 0.5


def test_values_move_in_the_better_direction_and_stay_in_range():
    for technology in some(load_lexicon().technologies):
        for indicator in some(technology.indicators):
            values = [float(value_of(indicator, goodness)) for goodness in (0.0, 0.25, 0.5, 0.75, 1.0)]
            ordered = sorted(values) if indicator.more_is_better else sorted(values, reverse=True)
            assert values == ordered
            assert values[0] != values[-1]
            span = indicator.high - indicator.low
            assert indicator.low - 0.05 * span <= min(values)
            assert max(values) <= indicator.high + 0.05 * span


def test_affinity_is_symmetric_and_highest_within_a_group():
    lexicon = load_lexicon()
    affinity = technology_affinity(lexicon)
    assert (affinity == affinity.T).all()
    assert (affinity.diagonal() == 1).all()
    first, second = lexicon.technologies[:2]
    assert (first.industry, first.group) == (second.industry, second.group)
    assert SAME_GROUP <= affinity[0, 1] < 1
    assert ((affinity >= RELATED).sum(axis=1) >= 2).mean() > 0.95
