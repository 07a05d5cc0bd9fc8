"""Terms of a text: candidate phrases by parts of speech, each scored by its shape, its surroundings and the corpus."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Self

from data.cluster.workers import THIS_PROCESS, Workers
from knowledge_graph.terms.phrases import general_words, stop_words
from knowledge_graph.terms.tagging import Word, tag
from knowledge_graph.terms.types import type_by_head

MAX_SPAN = 7
"""Words of the longest candidate."""
BELIEF = 0.25
WEIGHTS_FILE = "lexicon/term_weights.json"
"""Inside this package."""
_JOINING = frozenset("-/·+")
_NEVER = frozenset(["uj", "ul", "uz", "uv", "ud", "c", "p", "r", "y", "e", "o", "w", "ug"])
"""Parts of speech that are in no term: particles, conjunctions, prepositions, pronouns."""
_GROUPS = (
    ("eng", "eng"),
    ("vn", "vn"),
    ("v", "v"),
    ("n", "n"),
    ("a", "a"),
    ("b", "a"),
    ("j", "n"),
    ("l", "n"),
    ("i", "n"),
    ("m", "m"),
    ("q", "q"),
    ("f", "f"),
    ("d", "d"),
    ("k", "n"),
    ("g", "n"),
    ("s", "n"),
    ("t", "t"),
)


@dataclass(frozen=True)
class ScoredTerm:
    """A term of a text, lower case, with the probability that people would mark it."""

    term: str
    probability: float


@dataclass(frozen=True)
class TermWeights:
    """What each piece of evidence adds to the logit of being a term (`bias` always counts), and the probability asked."""

    threshold: float
    weights: dict[str, float]

    def probability(self, evidence: dict[str, float]) -> float:
        """Return the probability that people would mark a candidate; evidence without a weight says nothing."""
        score = self.weights["bias"] + sum(self.weights.get(name, 0.0) * value for name, value in evidence.items())
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score))))


@dataclass(frozen=True)
class _Span:
    """A candidate in a text: words [first, end), its text."""

    first: int
    end: int
    text: str


class KeyphraseExtractor:
    """Extracts terms; `fit` learns corpus statistics, the weights of the evidence ship with the package."""

    def __init__(self, weights: TermWeights | None = None) -> None:
        self.weights = weights or shipped_weights()
        self.counts_: Counter[str] = Counter()
        self.documents_: Counter[str] = Counter()
        self.inside_: Counter[str] = Counter()
        self.containers_: Counter[str] = Counter()
        self.words_: Counter[str] = Counter()
        self.size_ = 0
        self.length_ = 0

    def fit(self, texts: Sequence[str]) -> Self:
        """Count the candidates of normalised texts: occurrences, texts, occurrences inside longer ones (for C-value)."""
        return self.count(texts).complete()

    def count(self, texts: Sequence[str]) -> Self:
        """Count the candidates of a part of the texts; `complete` follows."""
        for text in texts:
            words = tag(text.lower())
            here = Counter(span.text for span in candidates(words))
            self.counts_.update(here)
            self.documents_.update(here.keys())
            self.words_.update(word.text for word in words if word.tag != "x")
        self.size_ += len(texts)
        return self

    def take_in(self, others: "KeyphraseExtractor") -> None:
        """Add the counts of another part of the texts; `complete` follows."""
        for own, other in (
            (self.counts_, others.counts_),
            (self.documents_, others.documents_),
            (self.words_, others.words_),
        ):
            own.update(other)
        self.size_ += others.size_

    def complete(self) -> Self:
        """Learn from the counts of all texts which candidates are mostly parts of longer ones."""
        self.length_ = self.words_.total()
        for phrase, count in self.counts_.items():
            if count > 1:
                for part in _parts(phrase):
                    if part in self.counts_:
                        self.inside_[part] += count
                        self.containers_[part] += 1
        return self

    def extract(self, text: str) -> list[ScoredTerm]:
        """Return the terms of a normalised text that are more probable than the threshold, most probable first."""
        found = self.evidence(tag(text.lower())).items()
        judged = (ScoredTerm(phrase, self.weights.probability(evidence)) for phrase, evidence in found)
        scored = [term for term in judged if term.probability >= self.weights.threshold]
        return sorted(scored, key=lambda term: (-term.probability, term.term))

    def extract_all(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the terms of each text, most probable first."""
        return [[found.term for found in self.extract(text)] for text in texts]

    def evidence(self, words: Sequence[Word]) -> dict[str, dict[str, float]]:
        """Return for each candidate of a text what speaks for or against it, by name."""
        spans: dict[str, list[_Span]] = {}
        for span in candidates(words):
            spans.setdefault(span.text, []).append(span)
        counts = {phrase: len(found) for phrase, found in spans.items()}
        return {phrase: self._evidence(phrase, found, words, counts) for phrase, found in spans.items()}

    def _evidence(
        self, phrase: str, spans: Sequence[_Span], words: Sequence[Word], counts: dict[str, int]
    ) -> dict[str, float]:
        first = spans[0]
        inside = words[first.first : first.end]
        length = first.end - first.first
        evidence = {
            f"words={min(length, 6)}": 1.0,
            f"first={_group(inside[0])}": 1.0,
            f"last={_group(inside[-1])}": 1.0,
            f"shape={'+'.join(_group(word) for word in inside) if length <= 3 else 'long'}": 1.0,
            f"head={type_by_head(phrase).name}": 1.0,
            "log count": math.log(len(spans)),
            "early": 1.0 if first.first < 12 else 0.0,
            "characters": min(len(phrase), 20) / 10.0,
        }
        for span in spans:
            before = words[span.first - 1] if span.first else None
            after = words[span.end] if span.end < len(words) else None
            share = 1.0 / len(spans)
            for name in (f"before={_side(before)}", f"after={_side(after)}"):
                evidence[name] = evidence.get(name, 0.0) + share
        if any(word.text in stop_words() for word in inside):
            evidence["stop word"] = 1.0
            evidence["stop first"] = float(inside[0].text in stop_words())
            evidence["stop last"] = float(inside[-1].text in stop_words())
        if length == 1:
            evidence["general alone"] = float(phrase in general_words())
            evidence["one character"] = float(len(phrase) == 1)
            evidence["quality"] = float(phrase.endswith(("性", "率", "度")))
        else:
            evidence["one character first"] = float(len(inside[0].text) == 1)
            evidence["one character last"] = float(len(inside[-1].text) == 1)
            evidence["verbs"] = sum(word.tag == "v" for word in inside) / length
            evidence["cohesion"] = self._cohesion(inside, phrase)
        return evidence | self._corpus_evidence(phrase, length, counts)

    def _corpus_evidence(self, phrase: str, length: int, counts: dict[str, int]) -> dict[str, float]:
        """Return C-value, document frequency and how often the phrase occurs alone rather than inside longer ones."""
        total = max(1, self.counts_[phrase])
        containers = self.containers_[phrase]
        nested = self.inside_[phrase] / containers if containers else 0.0
        return {
            "c value": math.log1p(max(0.0, total - nested) * math.log2(length + 1)),
            "nested": min(1.0, nested / total),
            "log texts": math.log(max(1, self.documents_[phrase])),
            "everywhere": self.documents_[phrase] / max(1, self.size_),
            "repeated": float(counts[phrase] > 1 and length > 1),
        }

    def _cohesion(self, inside: Sequence[Word], phrase: str) -> float:
        """Return the normalised PMI of the words of a phrase, 0 where the corpus does not tell."""
        total = self.length_ or 1
        joint = self.counts_[phrase] / total
        if joint <= 0:
            return 0.0
        alone = sum(math.log(max(1, self.words_[word.text]) / total) for word in inside)
        return (math.log(joint) - alone) / (-math.log(joint) * max(1, len(inside) - 1))


def _candidates_of_part(_: None, texts: Sequence[str]) -> KeyphraseExtractor:
    """Return the counts of one partition's candidates."""
    return KeyphraseExtractor().count(texts)


def _terms_of_part(extractor: KeyphraseExtractor, texts: Sequence[str]) -> Counter[str]:
    """Return in how many of one partition's texts each term is found."""
    return Counter(found.term for text in texts for found in extractor.extract(text))


class MarkedPhrases:
    """How often each candidate of some texts was found to be a term there.

    Costs about 5 ms for 300 characters.
    """

    def __init__(self, texts: Iterable[str], workers: Workers = THIS_PROCESS) -> None:
        parts = workers.parts(list(dict.fromkeys(texts)))
        extractor = KeyphraseExtractor()
        for counted in workers.map(_candidates_of_part, parts, None):
            extractor.take_in(counted)
        extractor.complete()
        self._seen = extractor.documents_
        self._found: Counter[str] = Counter()
        for found in workers.map(_terms_of_part, parts, extractor):
            self._found.update(found)

    def believes(self, phrase: str) -> bool:
        """Tell whether a phrase is a term in at least `BELIEF` of the texts that hold it, or no text holds it."""
        seen = self._seen[phrase]
        return not seen or self._found[phrase] >= BELIEF * seen


def candidates(words: Sequence[Word]) -> Iterator[_Span]:
    """Yield all runs of up to `MAX_SPAN` words that hold no particle, preposition, pronoun or mark."""
    for first in range(len(words)):
        if not _may_start(words[first]):
            continue
        text = ""
        for end in range(first + 1, min(first + MAX_SPAN, len(words)) + 1):
            word = words[end - 1]
            if not _may_stand(word):
                break
            text += word.text
            if _may_end(word) and (end - first > 1 or len(text) > 1):
                yield _Span(first, end, text)


def _may_stand(word: Word) -> bool:
    if word.tag == "x":
        return word.text in _JOINING
    return word.tag not in _NEVER and len(word.text) < 30


def _may_start(word: Word) -> bool:
    return word.tag != "x" and _may_stand(word) and not word.tag.startswith(("u", "z"))


def _may_end(word: Word) -> bool:
    return word.tag != "x" and word.tag[0] not in "dmtu"


def _group(word: Word) -> str:
    """Return the part of speech in coarse groups."""
    for start, group in _GROUPS:
        if word.tag.startswith(start):
            return group
    return "other"


def _side(word: Word | None) -> str:
    """Return the neighbour of a candidate: an edge, a mark, a particle, a telling word, or its group."""
    if word is None:
        return "edge"
    if word.tag == "x":
        return "mark" if word.text in ',。;:!?、()“”"' else "sign"
    if word.text in _TELLING:
        return word.text
    if word.text in stop_words():
        return f"stop {_group(word)}"
    return word.tag if word.tag in _NEVER else _group(word)


_TELLING = frozenset("的和与及或对将在中上下等该了是为有用由") | {
    "基于",
    "采用",
    "利用",
    "提出",
    "进行",
    "具有",
    "一种",
    "提高",
    "通过",
}


def _parts(phrase: str) -> Iterator[str]:
    """Yield every proper part of a phrase of two characters or more."""
    for start in range(len(phrase)):
        for end in range(start + 2, len(phrase) + 1):
            if end - start < len(phrase):
                yield phrase[start:end]


@lru_cache(maxsize=1)
def shipped_weights() -> TermWeights:
    """Return the weights that ship with the package, as `gongxu lab terms fit` wrote them."""
    text = (resources.files("knowledge_graph") / WEIGHTS_FILE).read_text(encoding="utf-8")
    return TermWeights(**json.loads(text))
