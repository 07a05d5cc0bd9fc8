"""Whether a collection knows what a text asks for at all: foreign topics are refused, whatever the best probability.

A probability tells how likely the best candidate is, given pairs that were worth judging. Of a text about something else, or
about nothing, no judged pair tells. So this check needs no outcome: it knows how familiar the collection is with the
demands that are stored, each taken as if it were not.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from data.text.segment import content_words
from matcher.collection.collection import Collection
from matcher.texts.space import TextSpace

LEAST_DEMANDS = 20  # stored demands below which nothing is typical
MOST_DEMANDS = 300  # so many, evenly spread, tell what is typical
UNUSUAL = 0.03  # share of the stored demands that are less familiar than what is still answered
MOST = 0.4  # asked for at most: where all stored demands use the same words one in other words is not foreign
MOST_WORDS = 500  # different words of a text that are looked up: a book's first pages tell its topic
HOPELESS = 0.5  # of that familiarity, below which not even the nearest records are worth a look


def familiarity(
    space: TextSpace,
    words: Sequence[str],
    cosine: float,
    *,
    stored: bool = False,
    written: Callable[[str], bool] = lambda _: False,
) -> float:
    """Return in [0, 1] how familiar a text is: the share of its content words that records use, times its best cosine.

    Of a `stored` text the records' words are those that another record uses too. `written` tells of a word that was in no
    record when the text space was fitted whether one uses it now. A text without content words has 0. Of `words`, in the
    order of the text, the first `MOST_WORDS` different ones count.
    """
    different = list(dict.fromkeys(words))[:MOST_WORDS]
    if not different:
        return 0.0
    idf = space.words.idf
    used_once = (
        float(idf[-1]) - 1e-6 if stored else np.inf
    )  # a vocabulary's last word is its rarest, which one text uses
    columns = [space.words.columns.get(word) for word in different]
    known = sum(
        written(word) if column is None else bool(idf[column] < used_once)
        for word, column in zip(different, columns, strict=True)
    )
    return known / len(different) * max(0.0, min(1.0, cosine))


def new_words(space: TextSpace, words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that `familiarity` asks `written` of, each once: those that the text space does not know."""
    known = space.words.columns
    return tuple(word for word in list(dict.fromkeys(words))[:MOST_WORDS] if word not in known)


def least_familiarity(
    space: TextSpace, texts: Sequence[str], vectors: NDArray[np.float32], supply: Collection
) -> float | None:
    """Return the familiarity below which a demand's text is foreign to the supply; None with too few demands to tell.

    `texts` are the n full texts of the stored demands, `vectors` (n, d) theirs.
    """
    rows = [row for row in range(0, len(texts), max(1, len(texts) // MOST_DEMANDS)) if texts[row]]
    if len(rows) < LEAST_DEMANDS:
        return None
    _, cosines = supply.vectors.search(np.asarray(vectors[rows]), 1)
    found = [
        familiarity(space, content_words(texts[row]), float(cosine), stored=True)
        for row, cosine in zip(rows, cosines[:, 0], strict=True)
    ]
    return min(MOST, float(np.quantile(found, UNUSUAL)))
