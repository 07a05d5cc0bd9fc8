"""What words two texts share, and which different ones mean similar things: read where the texts are."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray, csr_parts
from knowledge_graph.relations.likeness import ALIKE, Likeness, likeness
from matcher.texts.space import TextRows, TextSpace

PARTNER_COSINE = 0.4  # words nearer than this are looked at as partners
TELLING_IDF = 4.0  # a word in more than a twentieth of all texts (技术, 设备) tells nothing
_LOOKED_AT = 200  # heaviest pairs of words that partners are looked for among

Columns = NDArray[np.int32]


@dataclass(frozen=True)
class Words:
    """The words of one text: their `columns` (w,) in the vocabulary, ascending, and their vectors (w, d)."""

    columns: Columns
    vectors: FloatArray


def words_of(space: TextSpace, texts: TextRows, row: int) -> Words:
    """Return the words of the text in a row, read where it is."""
    indptr, indices, _ = csr_parts(texts.words)
    columns = np.sort(indices[indptr[row] : indptr[row + 1]])
    return Words(columns, space.word_vectors[columns])


def shared_terms(space: TextSpace, wanted: Words, offered: Words, most: int) -> list[str]:
    """Return at most `most` words that both texts hold and few others do, the most telling first."""
    shared = np.intersect1d(wanted.columns, offered.columns, assume_unique=True)
    weights = space.words.idf[shared]
    telling, weights = shared[weights >= TELLING_IDF], weights[weights >= TELLING_IDF]
    return [space.words.terms[column] for column in telling[np.argsort(-weights, kind="stable")[:most]].tolist()]


@dataclass(frozen=True, slots=True)
class Partners:
    """A demand's word and another word of an achievement that says the same, or of which one is a kind of the other."""

    wanted: str
    offered: str
    likeness: Likeness
    cosine: float


def partner_words(space: TextSpace, wanted: Words, offered: Words, most: int) -> list[Partners]:
    """Return at most `most` pairs of different words that mean the same or of which one is a kind of the other.

    The best come first; no word is in two pairs. Near vectors propose pairs, `likeness` accepts them: words that are
    merely related, opposite or no words at all are left out.
    """
    cosine, idf = wanted.vectors @ offered.vectors.T, space.words.idf
    heaviest = _heaviest(cosine, wanted.columns, offered.columns, idf[wanted.columns], idf[offered.columns], _LOOKED_AT)
    found: list[Partners] = []
    used: tuple[set[int], set[int]] = set(), set()
    for i, j in zip(*(places.tolist() for places in heaviest), strict=True):
        if len(found) == most:
            break
        if cosine[i, j] < PARTNER_COSINE or i in used[0] or j in used[1]:
            continue
        word, partner = space.words.terms[int(wanted.columns[i])], space.words.terms[int(offered.columns[j])]
        if _is_number(word) or _is_number(partner):
            continue
        relation = likeness(word, partner)
        if relation in ALIKE:
            found.append(Partners(word, partner, relation, float(cosine[i, j])))
            used[0].add(i)
            used[1].add(j)
    return found


def _is_number(word: str) -> bool:
    """Tell a figure (`9.4%`, `50mm`) from a word: its vector says nothing about its value."""
    return word[0].isdigit()


@numba.njit(nogil=True, cache=True)
def _heaviest(
    cosine: FloatArray, wanted: Columns, offered: Columns, idf: FloatArray, other_idf: FloatArray, k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (m,) places in `wanted` and in `offered` of the k pairs with the largest cosine x √(idf x idf), best first.

    Words that are in both are left out; of equal pairs those that come first are taken.
    """
    weights = np.full(k, -np.inf, dtype=np.float32)
    first, second = np.zeros(k, dtype=np.int64), np.zeros(k, dtype=np.int64)
    shared, other_shared = np.zeros(len(wanted), dtype=np.bool_), np.zeros(len(offered), dtype=np.bool_)
    i = j = 0
    while i < len(wanted) and j < len(offered):
        if wanted[i] == offered[j]:
            shared[i] = other_shared[j] = True
        i, j = i + (wanted[i] <= offered[j]), j + (offered[j] <= wanted[i])
    held = 0
    for i in range(len(wanted)):
        for j in range(len(offered)):
            weight = cosine[i, j] * np.sqrt(idf[i] * other_idf[j])
            if shared[i] or other_shared[j] or weight <= weights[k - 1]:
                continue
            place = min(held, k - 1)
            while place > 0 and weights[place - 1] < weight:
                weights[place], first[place], second[place] = weights[place - 1], first[place - 1], second[place - 1]
                place -= 1
            weights[place], first[place], second[place] = weight, i, j
            held = min(held + 1, k)
    return first[:held], second[:held]
