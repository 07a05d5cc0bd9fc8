"""Other names of the same thing: abbreviations in brackets, 简称 and 又称, and terms whose vectors are close."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.phrases import general_words
from knowledge_graph.relations import TermEdge, contradicts
from knowledge_graph.schema import Relation
from knowledge_graph.tagging import Word, tag
from knowledge_graph.vocabulary import Vocabulary

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

_BRACKET = re.compile(r"\(([^()]{2,40})\)")
_NAMED = re.compile(
    r"[,(]?(?:以下简称|简称为?|又称为?|也称为?|俗称|亦称|缩写为?)[“\"]?([\u3400-\u9fffA-Za-z0-9\-]{2,16})"
)
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9\-]{1,11}")
_CHINESE = re.compile("[\u3400-\u9fff]{2,12}")
BLOCK = 1_000


def definitions(text: str, vocabulary: Vocabulary) -> Iterator[tuple[int, int]]:
    """Yield (term, other name) pairs that normalised `text` defines: 磷酸铁锂(LFP), 挥发性有机物(简称VOCs)."""
    if "(" not in text and "称" not in text and "缩写" not in text:
        return
    names: list[tuple[int, str]] = []
    for match in _BRACKET.finditer(text):
        inside = match.group(1).split(",")[0].strip()
        named = _NAMED.match(inside)
        # a plain bracket names a thing only across scripts: (常州) after a firm is a place, (LFP) after 磷酸铁锂 its name
        if named or (_LATIN.fullmatch(inside) and inside.upper() == inside) or _across(text[: match.start()], inside):
            names.append((match.start(), named.group(1) if named else inside))
    names += [(match.start(), match.group(1)) for match in _NAMED.finditer(text) if match.group()[0] != "("]
    for place, name in names:
        other = vocabulary.numbers.get(name.lower())
        before = _term_before(text[max(0, place - 24) : place], vocabulary)
        if other is not None and before is not None and other != before and _may_name(name, vocabulary.terms[before]):
            yield before, other


def _across(before: str, inside: str) -> bool:
    """Tell whether a Chinese bracket follows a Latin name: LFP(磷酸铁锂)."""
    return bool(_CHINESE.fullmatch(inside)) and before[-1:].isascii() and before[-1:].isalpha()


def _term_before(text: str, vocabulary: Vocabulary) -> int | None:
    """Return the longest term that ends where `text` ends."""
    words: list[Word] = tag(text.rstrip(' "“”,'))
    ending = [(first, term) for term, first, end, _ in vocabulary.occurrences(words) if end == len(words)]
    return min(ending)[1] if ending else None


def _may_name(name: str, term: str) -> bool:
    """Refuse units, element symbols beside other things, and names that contain each other (a head, not a synonym)."""
    low = name.lower()
    return low not in term and term not in low and not low.isdigit()


def defined_synonyms(texts: Iterable[str], vocabulary: Vocabulary) -> Iterator[TermEdge]:
    """Yield synonyms defined in the texts; the more texts agree, the surer. Seen once and never otherwise: 0.7."""
    seen: Counter[tuple[int, int]] = Counter()
    for text in texts:
        seen.update(set(definitions(text, vocabulary)))
    total: Counter[int] = Counter()
    for (_, name), count in seen.items():
        total[name] += count
    for (term, name), count in sorted(seen.items()):
        share = count / total[name]
        if share < 0.4:
            continue
        confidence = round(min(0.98, share * (1.0 - 0.3 / count)), 4)
        yield TermEdge(term, name, Relation.SYNONYM, confidence, count, share)
        yield TermEdge(name, term, Relation.SYNONYM, confidence, count, share)


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

    Pairs that contradict each other (正极材料, 负极材料) are never synonyms, and count half as similar. Only the
    `limit` most frequent terms are compared, each with its `keep` nearest.
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
                kinds = (int(vocabulary.kinds[source]), int(vocabulary.kinds[target]))
                against = contradicts(one, other, kinds)
                same = cosine >= synonym and not against and _differ_by_nothing(one, other)
                confidence = min(1.0, cosine) * (0.5 if against else 1.0)
                relation = Relation.SYNONYM if same else Relation.SIMILAR
                yield TermEdge(source, target, relation, round(confidence, 4), 0, round(cosine, 4))
