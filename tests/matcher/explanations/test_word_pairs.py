"""Words that two texts share, and pairs of different words that mean similar things: as a plain search finds them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_graph.relations.likeness import ALIKE, likeness
from matcher.explanations.word_pairs import PARTNER_COSINE, TELLING_IDF, Words, partner_words, shared_terms


def searched(space, wanted, offered, most):
    """Return the partners among the 200 heaviest pairs, looked at one by one."""
    idf, vectors, terms = space.words.idf, space.word_vectors, space.words.terms
    only_wanted, only_offered = np.setdiff1d(wanted, offered), np.setdiff1d(offered, wanted)
    cosine = vectors[only_wanted] @ vectors[only_offered].T
    weight = cosine * np.sqrt(np.outer(idf[only_wanted], idf[only_offered]))
    found = []
    for flat in np.argsort(-weight, axis=None, kind="stable")[:200].tolist():
        i, j = divmod(flat, len(only_offered))
        word, partner = terms[int(only_wanted[i])], terms[int(only_offered[j])]
        fresh = all(word != taken and partner != given for taken, given, _ in found)
        alike = likeness(word, partner) in ALIKE
        if alike and fresh and cosine[i, j] >= PARTNER_COSINE and not word[0].isdigit() and not partner[0].isdigit():
            found.append((word, partner, float(cosine[i, j])))
    return found[:most]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**16), sizes=st.tuples(st.integers(0, 60), st.integers(0, 60)), most=st.integers(1, 8))
def test_words_are_those_of_a_plain_search(known, seed, sizes, most):
    space, random = known.space, np.random.default_rng(seed)
    few = random.permutation(len(space.words.terms))[:80]  # so that texts share words
    wanted, offered = (np.sort(random.permutation(few)[:size]).astype(np.int32) for size in sizes)
    pair = [Words(columns, space.word_vectors[columns]) for columns in (wanted, offered)]
    found, expected = partner_words(space, *pair, most), searched(space, wanted, offered, most)
    assert [(one.wanted, one.offered) for one in found] == [words[:2] for words in expected]
    np.testing.assert_allclose([one.cosine for one in found], [x[2] for x in expected], atol=1e-6)
    idf = {space.words.terms[int(column)]: space.words.idf[column] for column in np.intersect1d(wanted, offered)}
    telling = [weight for weight in idf.values() if weight >= TELLING_IDF]
    terms = shared_terms(space, *pair, most)
    assert [idf[term] for term in terms] == sorted(telling, reverse=True)[:most]
    assert len(set(terms)) == len(terms)
