"""Reading one record: its terms, and its place in every taxonomy."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, AchievementStatus, Demand, DemandStatus, Record
from data.text.normalise import meaningful
from knowledge_graph.records.classifier import RecordClassifier
from knowledge_graph.records.table import GraphRow
from knowledge_graph.taxonomy.chains import strongest
from knowledge_graph.taxonomy.fields import UNKNOWN_FIELD, Fields
from knowledge_graph.taxonomy.industries import Industries
from knowledge_graph.taxonomy.regions import Regions
from knowledge_graph.terms.tagging import tag
from knowledge_graph.terms.vocabulary import NESTED, Vocabulary

TITLE_WEIGHT = 2.0
KEYWORD_WEIGHT = 2.0
CONTENT_WEIGHT = 0.6
DETAIL_WEIGHT = 0.3
"""What an occurrence counts for, by where it stands; details are indicators and KPIs."""

TITLE_TEXTS = 2
"""Of `record_texts`, those that stand for the whole: title and keywords."""
UNNAMED = -1
_IPC_SUBCLASS = re.compile(r"[A-Ha-h]\d\d[A-Za-z]")

_OPEN = {AchievementStatus.PUBLISHED, AchievementStatus.NEGOTIATING, DemandStatus.PUBLISHED, DemandStatus.NEGOTIATING}


def record_texts(record: Record) -> tuple[tuple[str, float], ...]:
    """Return the record's texts, normalised, with their weights: title, keywords, content, details."""
    details = record.kpis if isinstance(record, Demand) else record.indicators
    return (
        (meaningful(record.title), TITLE_WEIGHT),
        (" ; ".join(filter(None, map(meaningful, record.keywords))), KEYWORD_WEIGHT),
        (meaningful(record.content), CONTENT_WEIGHT),
        (meaningful(details), DETAIL_WEIGHT),
    )


def organisation_of(record: Record) -> str:
    """Return who holds the achievement or asks for the solution, "" if unnamed."""
    return (record.holder if isinstance(record, Achievement) else record.enterprise).strip()


def classes_of(record: Achievement) -> str:
    """Return the IPC subclasses that an achievement states, such as `C02F F26B`, each once."""
    found = (match.group().upper() for match in map(_IPC_SUBCLASS.match, map(str.strip, record.ipc)) if match)
    return " ".join(dict.fromkeys(found))


def experts_of(record: Achievement) -> str:
    """Return the names of those who made an achievement, each once, parted by newlines."""
    names = (" ".join(name.split()) for name in record.experts)
    return "\n".join(dict.fromkeys(filter(None, names)))


@dataclass(frozen=True)
class TermCounts:
    """Terms of one record: numbers int32 (m,) ascending, weighted occurrences float32 (m,), bool (m,) in the title."""

    terms: NDArray[np.int32]
    counts: NDArray[np.float32]
    titles: NDArray[np.bool_]


def count_terms(vocabulary: Vocabulary, record: Record) -> TermCounts:
    """Read a record's texts with the vocabulary; about half a millisecond for 500 characters."""
    counts: dict[int, float] = {}
    in_title: set[int] = set()
    for place, (text, weight) in enumerate(record_texts(record)):
        if not text:
            continue
        for term, _, _, nested in vocabulary.occurrences(tag(text)):
            counts[term] = counts.get(term, 0.0) + (weight * NESTED if nested else weight)
            if place < TITLE_TEXTS:
                in_title.add(term)
    terms = sorted(counts)
    return TermCounts(
        np.array(terms, dtype=np.int32),
        np.array([counts[term] for term in terms], dtype=np.float32),
        np.array([term in in_title for term in terms], dtype=np.bool_),
    )


@dataclass
class Describer:
    """Reads records with a fixed vocabulary. `organisations` numbers names as they come and only grows."""

    vocabulary: Vocabulary
    stages_of_term: Mapping[int, Sequence[int]]
    industries: Industries
    fields: Fields
    regions: Regions
    organisations: dict[str, int]
    classifier: RecordClassifier

    def describe(self, record: Record, *, register: bool = False) -> GraphRow:
        """Return what the graph knows of a record.

        `register` numbers a new organisation; otherwise one never seen is -1.
        """
        return self.place(record, count_terms(self.vocabulary, record), register=register)

    def place(self, record: Record, counted: TermCounts, *, register: bool = False) -> GraphRow:
        """Weigh a record's terms and find its place in every taxonomy; the classifier fills in what it does not say."""
        terms, weights = counted.terms, self.vocabulary.weigh(counted.terms, counted.counts)
        stages: dict[int, float] = {}
        for term, weight in zip(terms.tolist(), weights.tolist(), strict=True):
            for stage in self.stages_of_term.get(term, ()):
                stages[stage] = stages.get(stage, 0.0) + weight
        stage_numbers, shares = strongest(stages)
        industries = self.industries.encode(record.industries)
        field = self.fields.number(record.field)
        industries_stated, field_stated = bool(industries[0, 0] >= 0), field != UNKNOWN_FIELD
        if not (industries_stated and field_stated):
            division, guessed = self.classifier.classify(terms, weights)
            industries = industries if industries_stated else self.industries.encode([division])
            field = field if field_stated else guessed
        name = organisation_of(record)
        if register and name:
            self.organisations.setdefault(name, len(self.organisations))
        return GraphRow(
            terms,
            weights,
            counted.titles,
            industries,
            field,
            self._region(record),
            stage_numbers,
            shares,
            self.organisations.get(name, UNNAMED),
            _money(record),
            record.status in _OPEN,
            industries_stated,
            field_stated,
        )

    def _region(self, record: Record) -> int:
        """Return the stated region, else the one that the organisation's name or an address tells, else 0."""
        if record.region:
            return int(record.region)
        found_region = self.regions.find(organisation_of(record))
        if found_region:
            return found_region
        address = next(
            (value for key, value in record.extra.items() if "地址" in key or "地区" in key or "所在" in key), ""
        )
        return self.regions.find(address) if address else 0


def _money(record: Record) -> float:
    """Return the upper end of price or budget in 万元, the lower end if that is all, NaN if neither is known."""
    if isinstance(record, Achievement):
        low, high = record.price_min, record.price_max
    else:
        low, high = record.budget_min, record.budget_max
    money = high if high is not None else low
    return float("nan") if money is None else float(money)
