"""Terms whose vectors are close: similar, and where nothing contradicts it, other names of the same thing."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.relations.extraction import TermEdge, contradicts
from knowledge_graph.relations.likeness import Likeness, likeness
from knowledge_graph.schema import Relation
from knowledge_graph.terms.phrases import general_words
from knowledge_graph.terms.vocabulary import Vocabulary

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

BLOCK = 1_000


def _differ_by_nothing(one: str, other: str) -> bool:
    """Tell whether neither term contains the other, unless what it adds is a general word (干化, 干化技术)."""
    short, long = sorted((one, other), key=len)
    return short not in long or long.replace(short, "", 1) in general_words()


def close_vectors(
    vocabulary: Vocabulary,
    encode: Encode,
    *,
    least: float = 0.55,
    synonym: float = 0.93,
    keep: int = 12,
    limit: int = 40_000,
) -> Iterator[TermEdge]:
    """Yield terms whose vectors are close: similar from cosine `least` on, synonymous from `synonym` on.

    Opposites (正极材料, 负极材料) and pieces of words (受炉) are left out, pairs of different types count half as
    similar. Only the `limit` most frequent terms are compared, each with its `keep` nearest.
    """
    chosen = np.argsort(-vocabulary.df, kind="stable")[:limit]
    vectors = encode([vocabulary.terms[number] for number in chosen]).astype(np.float32)
    keep = min(keep, len(chosen) - 1)
    if keep < 1:
        return
    for start in range(0, len(chosen), BLOCK):
        cosines = vectors[start : start + BLOCK] @ vectors.T
        cosines[np.arange(len(cosines)), start + np.arange(len(cosines))] = -1.0
        nearest = np.argpartition(-cosines, keep - 1, axis=1)[:, :keep]
        for row, columns in enumerate(nearest):
            source = int(chosen[start + row])
            for column in np.sort(columns):
                cosine, target = float(cosines[row, column]), int(chosen[column])
                if cosine < least:
                    continue
                one, other = vocabulary.terms[source], vocabulary.terms[target]
                if likeness(one, other) in (Likeness.FRAGMENT, Likeness.OPPOSITE):
                    continue
                kinds = (int(vocabulary.kinds[source]), int(vocabulary.kinds[target]))
                against = contradicts(one, other, kinds)
                same = cosine >= synonym and not against and _differ_by_nothing(one, other)
                confidence = min(1.0, cosine) * (0.5 if against else 1.0)
                relation = Relation.SYNONYM if same else Relation.SIMILAR
                yield TermEdge(source, target, relation, round(confidence, 4), 0, round(cosine, 4))
