"""Building the graph from records: vocabulary, descriptions of all records, relations between terms."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from data.cluster.workers import THIS_PROCESS, Workers
from data.records import Achievement, Demand, Record
from knowledge_graph.records.classifier import RecordClassifier, fit_classifier
from knowledge_graph.records.describe import Describer, TermCounts, classes_of, count_terms, experts_of, record_texts
from knowledge_graph.records.table import RecordTable
from knowledge_graph.relations.definitions import Statements, stated_synonyms
from knowledge_graph.relations.extraction import TermEdge, co_occurrence, containment, supply
from knowledge_graph.relations.matrix import RelationMatrix, compile_relations, term_graph
from knowledge_graph.relations.synonyms import Encode, close_vectors
from knowledge_graph.taxonomy.chains import STAGES, Chains, load_chains
from knowledge_graph.taxonomy.fields import UNKNOWN_FIELD, load_fields
from knowledge_graph.taxonomy.industries import load_industries
from knowledge_graph.taxonomy.regions import load_regions
from knowledge_graph.terms.keyphrases import MarkedPhrases
from knowledge_graph.terms.mining import PhraseMiner, choose_terms
from knowledge_graph.terms.tagging import tag
from knowledge_graph.terms.types import TypeVotes
from knowledge_graph.terms.vocabulary import Vocabulary

if TYPE_CHECKING:
    import networkx as nx
from knowledge_graph.terms.word_frequency import specificity

Progress = Callable[[str, int, int], None]
"""Called with the step's name, how much of it is done, and how much there is."""

MINED_RECORDS = 60_000
EXTRACTED_RECORDS = 4_000
"""Records whose texts are searched for terms one by one, to tell which frequent phrases are terms."""
MAX_TERMS = 80_000
SMALL = 20_000
"""Below so many records two occurrences make a phrase a term and two records make a pair; from there on three."""
MAX_RECORD_SHARE = 0.2
"""A term that more than this share of the records holds says nothing."""


@dataclass(frozen=True)
class BuiltParts:
    """What `KnowledgeGraph` is put together from; `terms` returns the term graph, read from disk when first needed."""

    describer: Describer
    achievements: RecordTable
    demands: RecordTable
    relations: RelationMatrix
    terms: "Callable[[], nx.MultiDiGraph]"
    achievement_ids: Sequence[str]
    demand_ids: Sequence[str]
    achievement_titles: Sequence[str]
    demand_titles: Sequence[str]
    achievement_ipc: Sequence[str]
    achievement_experts: Sequence[str]


def build_parts(
    achievements: Sequence[Achievement],
    demands: Sequence[Demand],
    encode: Encode | None,
    progress: Progress,
    workers: Workers = THIS_PROCESS,
) -> BuiltParts:
    """Return all parts of the graph of the given records; deterministic, wherever the workers run."""
    records: Sequence[Record] = [*achievements, *demands]
    chains = load_chains()
    vocabulary = build_vocabulary(records, chains, progress, workers)
    describer = Describer(
        vocabulary,
        stages_of_terms(vocabulary, chains),
        load_industries(),
        load_fields(),
        load_regions(),
        {},
        RecordClassifier(),
    )
    counted: list[TermCounts] = []
    for part in workers.map(_terms_of_part, workers.parts(records), vocabulary):
        counted += part
        progress("read records", len(counted), len(records))
    vocabulary = describer.vocabulary = _with_record_frequencies(vocabulary, counted)
    mentions = _mentions(vocabulary, counted)
    describer.classifier = _fit_classifier(mentions, records, describer)
    progress("classify", 1, 1)
    rows = [describer.place(record, terms, register=True) for record, terms in zip(records, counted, strict=True)]
    edges = list(_edges(records, vocabulary, mentions, chains, encode, progress, workers))
    graph = term_graph(vocabulary.terms, edges)
    relations = compile_relations(graph)
    progress("relations", 1, 1)
    return BuiltParts(
        describer,
        RecordTable.of(rows[: len(achievements)]),
        RecordTable.of(rows[len(achievements) :]),
        relations,
        lambda: graph,
        [record.record_id for record in achievements],
        [record.record_id for record in demands],
        [record.title for record in achievements],
        [record.title for record in demands],
        [classes_of(record) for record in achievements],
        [experts_of(record) for record in achievements],
    )


def no_progress(step: str, done: int, total: int) -> None:
    """Report nothing."""


def _terms_of_part(vocabulary: Vocabulary, records: Sequence[Record]) -> list[TermCounts]:
    """Return the terms of each of one partition's records."""
    return [count_terms(vocabulary, record) for record in records]


def _texts(records: Iterable[Record]) -> Iterator[str]:
    """Yield the texts of records that say something."""
    return (text for record in records for text, _ in record_texts(record) if text)


def _phrases_of_part(_: None, records: Sequence[Record]) -> PhraseMiner:
    """Return the words of one partition's records, numbered among themselves."""
    miner = PhraseMiner()
    for text in _texts(records):
        miner.add(tag(text))
    return miner


def _votes_of_part(terms: Sequence[str], records: Sequence[Record]) -> TypeVotes:
    """Return what one partition's records say of the terms' types."""
    votes = TypeVotes(terms)
    for text in _texts(records):
        votes.add(tag(text))
    return votes


def build_vocabulary(
    records: Sequence[Record], chains: Chains, progress: Progress, workers: Workers = THIS_PROCESS
) -> Vocabulary:
    """Return the terms of the records and of the industry chains, with their types; frequencies follow later."""
    miner = PhraseMiner()
    step = max(1, -(-len(records) // MINED_RECORDS))
    sample = records[::step]
    parts = workers.parts(sample)
    for number, mined in enumerate(workers.map(_phrases_of_part, parts, None)):
        miner.take_in(mined)
        progress("mine terms", number + 1, len(parts))
    small = len(records) < SMALL
    chosen = choose_terms(miner.mine(support=2 if small else 3), limit=MAX_TERMS, min_c_value=1.0 if small else 2.0)
    step = max(1, -(-len(sample) // EXTRACTED_RECORDS))
    marked = MarkedPhrases(_texts(sample[::step]), workers)
    progress("extract terms", 1, 1)
    terms = [
        term.text for term in chosen if (marked.believes(term.text) if term.words > 1 else small or term.count > 1)
    ]
    known = set(terms)
    terms += [term for term in chains.members() if term not in known]
    votes = TypeVotes(terms)
    voting = workers.parts(sample[:: max(1, len(sample) // 10_000)])
    for cast in workers.map(_votes_of_part, voting, terms):
        votes.take_in(cast)
    nothing = np.zeros(len(terms), dtype=np.int32)
    return Vocabulary.of(terms, nothing, votes.decide(terms), len(records))


def _with_record_frequencies(vocabulary: Vocabulary, counted: Sequence[TermCounts]) -> Vocabulary:
    """Return the vocabulary with document frequencies; a term that is nearly everywhere weighs next to nothing."""
    df = np.zeros(len(vocabulary), dtype=np.int64)
    for row in counted:
        df[row.terms] += 1
    complete = Vocabulary.of(vocabulary.terms, df, vocabulary.kinds, len(counted))
    idf = complete.idf * np.array([specificity(term) for term in complete.terms], dtype=np.float32)
    idf[df > max(10.0, MAX_RECORD_SHARE * len(counted))] = 0.01
    return replace(complete, idf=idf)


def _mentions(vocabulary: Vocabulary, counted: Sequence[TermCounts]) -> sp.csr_array:
    """Return the weights of all terms in all records, (records, V)."""
    lengths = np.array([len(row.terms) for row in counted], dtype=np.int64)
    starts = np.r_[0, np.cumsum(lengths)]
    terms = np.concatenate([row.terms for row in counted] or [np.zeros(0, dtype=np.int32)])
    weights = [vocabulary.weigh(row.terms, row.counts) for row in counted]
    data = np.concatenate(weights or [np.zeros(0, dtype=np.float32)])
    # scikit-learn reads 32-bit indices only
    return sp.csr_array((data, terms, starts.astype(np.int32)), shape=(len(counted), len(vocabulary)))


def _fit_classifier(mentions: sp.csr_array, records: Sequence[Record], describer: Describer) -> RecordClassifier:
    """Fit the classifiers of industry division and field on the records that state theirs."""
    divisions, fields = [], []
    for record in records:
        division = int(describer.industries.encode(record.industries)[0, 1])
        divisions.append(f"{division:02d}" if division >= 0 else "")
        field = describer.fields.number(record.field)
        fields.append("" if field == UNKNOWN_FIELD else str(field))
    return RecordClassifier(fit_classifier(mentions, divisions), fit_classifier(mentions, fields))


def stages_of_terms(vocabulary: Vocabulary, chains: Chains) -> dict[int, tuple[int, ...]]:
    """Return the chain stages of each term that is in one."""
    return {
        vocabulary.numbers[term]: tuple(stages)
        for term, stages in chains.members().items()
        if term in vocabulary.numbers
    }


def _edges(
    records: Sequence[Record],
    vocabulary: Vocabulary,
    mentions: sp.csr_array,
    chains: Chains,
    encode: Encode | None,
    progress: Progress,
    workers: Workers,
) -> Iterator[TermEdge]:
    """Yield all relations between terms, each with its confidence and evidence."""
    yield from containment(vocabulary)
    progress("broader and narrower", 1, 1)
    statements = Statements()
    for stated in workers.map(_statements_of_part, workers.parts(records), vocabulary):
        statements.take_in(stated)
    yield from stated_synonyms(statements, vocabulary)
    progress("synonyms", 1, 1)
    yield from co_occurrence(mentions, vocabulary, support=2 if len(records) < SMALL else 3)
    progress("co-occurrence", 1, 1)
    yield from supply(_stage_pairs(vocabulary, chains))
    if encode is not None:
        yield from close_vectors(vocabulary, encode)
        progress("close vectors", 1, 1)


def _statements_of_part(vocabulary: Vocabulary, records: Sequence[Record]) -> Statements:
    """Return what one partition's records state of terms."""
    statements = Statements()
    for text in _texts(records):
        statements.read(text, vocabulary)
    return statements


def _stage_pairs(vocabulary: Vocabulary, chains: Chains) -> Iterator[tuple[list[int], list[int], int]]:
    """Yield the terms of each stage with those of the stage below it, for terms that records mention."""
    for place, chain in enumerate(chains.chains):
        stages = [
            [number for term in terms if vocabulary.df[number := vocabulary.numbers[term.lower()]] > 0]
            for terms in chain.stages
        ]
        for above in (0, 1):
            yield stages[above], stages[above + 1], len(STAGES) * place + above
