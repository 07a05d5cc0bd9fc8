"""Term extraction against human-marked terms, beside TF-IDF, TextRank and jieba.analyse on the same texts."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import InputError
from data.text.normalise import normalise
from eval.reading.term_baselines import jieba_tags, text_rank, tf_idf
from knowledge_graph.build import Progress, no_progress
from knowledge_graph.terms.keyphrases import KeyphraseExtractor

COLUMNS = ("text", "entities")
TOP_K = (3, 5, 7, 9, 11, 13, 15, 18, 21, 25, 30, 40)
"""Terms a text that a baseline may return; the best for it on the tuning half is taken."""
OVERLAP = 0.5
"""Two terms overlap when some of their occurrences share this part of the characters that either covers (IoU)."""

Ranked = list[list[str]]


@dataclass(frozen=True)
class MarkedText:
    """A text with the terms that people marked in it; both normalised and in lower case."""

    text: str
    gold: frozenset[str]


def read_marked_texts(path: Path) -> list[MarkedText]:
    """Read a CSV with columns text and entities (`term/type;term/type`); terms not in their text are left out.

    Raises:
        InputError: the file is missing, empty, not UTF-8, or lacks a column.

    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise InputError(f"{path} has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}")
            rows = list(reader)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; give a CSV with columns {', '.join(COLUMNS)}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8; convert it first") from error
    except (OSError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as CSV ({error}); give a CSV file") from error
    texts = []
    for row in rows:
        text = normalise(row["text"] or "").lower()
        marked = (normalise(item.rpartition("/")[0]).lower() for item in (row["entities"] or "").split(";"))
        gold = frozenset(term for term in marked if term and term in text)
        if gold:
            texts.append(MarkedText(text, gold))
    if not texts:
        raise InputError(f"{path} holds no text with marked terms; entities must read term/type;term/type")
    return texts


def evaluate_terms(
    texts: Sequence[MarkedText], *, held_out: bool = False, progress: Progress = no_progress
) -> dict[str, dict[str, float]]:
    """Return the figures of each method: gongxu, tfidf, textrank, jieba.

    Even texts tune each baseline's number of terms a text (for the F1 that is reported), odd ones are held out; `held_out`
    reports on the odd texts only. Figures are micro-averages over texts: `exact_*` counts equal terms, `overlap_*` terms whose
    occurrences cover each other by `OVERLAP`; precision over returned terms, recall over marked ones.
    """
    plain = [text.text for text in texts]
    reported = [place for place in range(len(texts)) if place % 2 or not held_out]
    tuning = [place for place in range(len(texts)) if place % 2 == 0]
    methods: dict[str, Callable[[], Ranked]] = {
        "gongxu": lambda: KeyphraseExtractor().fit(plain).extract_all(plain),
        "tfidf": lambda: tf_idf(plain),
        "textrank": lambda: text_rank(plain),
        "jieba": lambda: jieba_tags(plain),
    }
    result: dict[str, dict[str, float]] = {}
    for number, (name, rank) in enumerate(methods.items()):
        progress("compare methods", number, len(methods))
        ranked = rank()
        figures: dict[str, float] = {}
        for measure in (exact, overlap):
            cut = None if name == "gongxu" else _best_cut(texts, ranked, tuning, measure)
            figures |= figures_of(texts, ranked, reported, cut, measure)
        result[name] = figures
    progress("compare methods", len(methods), len(methods))
    return result


def exact(text: MarkedText, found: Sequence[str]) -> tuple[int, int]:
    """Return (found terms that are marked, marked terms that were found): the same number."""
    hits = len(set(found) & text.gold)
    return hits, hits


def overlap(text: MarkedText, found: Sequence[str]) -> tuple[int, int]:
    """Return (found terms that overlap a marked one, marked terms that overlap a found one)."""
    gold_places = {term: _places(text.text, term) for term in text.gold}
    met: set[str] = set()
    hits = 0
    for term in set(found):
        places = _places(text.text, term)
        matched = [gold for gold, marked in gold_places.items() if _overlaps(places, marked)]
        hits += bool(matched)
        met.update(matched)
    return hits, len(met)


def _places(text: str, term: str) -> list[tuple[int, int]]:
    """Return (start, end) of every occurrence of a term."""
    places, start = [], text.find(term)
    while start >= 0:
        places.append((start, start + len(term)))
        start = text.find(term, start + 1)
    return places


def _overlaps(one: Iterable[tuple[int, int]], other: Sequence[tuple[int, int]]) -> bool:
    return any(
        min(end, last) - max(start, first) >= OVERLAP * (max(end, last) - min(start, first))
        for start, end in one
        for first, last in other
    )


Measure = Callable[[MarkedText, Sequence[str]], tuple[int, int]]


def figures_of(
    texts: Sequence[MarkedText], ranked: Ranked, places: Sequence[int], cut: int | None, measure: Measure
) -> dict[str, float]:
    """Return precision, recall and F1 of one measure, micro-averaged over the texts at `places`, under its name.

    `ranked[place]` are the terms found in the text, best first; the first `cut` of them count.
    """
    returned = marked = hits = met = 0
    for place in places:
        found = list(dict.fromkeys(ranked[place]))[:cut]
        returned += len(found)
        marked += len(texts[place].gold)
        correct, seen = measure(texts[place], found)
        hits += correct
        met += seen
    precision, recall = hits / max(1, returned), met / max(1, marked)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    name = "exact" if measure is exact else "overlap"
    return {
        f"{name}_precision": round(precision, 4),
        f"{name}_recall": round(recall, 4),
        f"{name}_f1": round(f1, 4),
    }


def _best_cut(texts: Sequence[MarkedText], ranked: Ranked, tuning: Sequence[int], measure: Measure) -> int:
    """Return the number of terms a text with the best F1 on the tuning texts."""
    name = "exact_f1" if measure is exact else "overlap_f1"
    return max(TOP_K, key=lambda cut: figures_of(texts, ranked, tuning, cut, measure)[name])
