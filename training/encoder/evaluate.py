"""What the shipped encoder is judged by: zero-shot ranking of real judgements, title -> abstract retrieval, speed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from data.files.judged import JudgedPairs, load_judged
from data.text.normalise import meaningful, normalise
from data.text.segment import content_words
from eval.metrics.bootstrap import Estimate, Judged, estimate_all
from models.encoder.adaptation import adapt
from models.encoder.base import Encoder
from models.encoder.static import StaticEncoder
from models.lexical_index import LexicalIndex
from training.encoder.corpus import Corpus, Paper, read_corpus

RECALL_AT = 10
# Returns the similarity of every query to every passage, shape (queries, passages).
Similarity = Callable[[Sequence[str], Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True)
class Row:
    """The figures of one system; estimates carry a 95% interval by bootstrap over demands (or papers)."""

    system: str
    auc2: Estimate
    auc3: Estimate
    ndcg10: Estimate
    recall_csl: Estimate
    recall_chinaxiv: Estimate


def cosine(encoder: Encoder) -> Similarity:
    """Return the similarity that an encoder gives."""
    return lambda queries, passages: encoder.encode(queries, "query") @ encoder.encode(passages, "passage").T


def character_tfidf(queries: Sequence[str], passages: Sequence[str]) -> NDArray[np.float32]:
    """Cosine of TF-IDF weighted character 2- and 3-grams, fitted to both sides."""
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True, dtype=np.float32)
    vectoriser.fit([*queries, *passages])
    product = vectoriser.transform(queries) @ vectoriser.transform(passages).T
    return np.asarray(product.toarray(), dtype=np.float32)


def bm25(queries: Sequence[str], passages: Sequence[str]) -> NDArray[np.float32]:
    """BM25 over words, as the product's own lexical index computes it."""
    index = LexicalIndex.build(content_words(text) for text in passages)
    rows = np.arange(len(passages), dtype=np.int64)
    return np.stack([index.scores(content_words(text), rows) for text in queries])


def judge(pairs: JudgedPairs, similarity: Similarity) -> dict[str, Estimate]:
    """Return AUC and NDCG@10 of a similarity between demand titles and achievement titles, no judgement being used."""
    wanted = [meaningful(demand.title) for demand in pairs.demands]
    offered = [meaningful(achievement.title) for achievement in pairs.achievements]
    ranking = similarity(wanted, offered)[pairs.demand_rows, pairs.achievement_rows].astype(np.float64)
    return estimate_all(Judged(pairs.demand_rows, pairs.levels, np.ones_like(pairs.levels), ranking))


def title_recall(papers: Sequence[Paper], similarity: Similarity) -> Estimate:
    """Return the share of titles whose own abstract is among the first 10 of all, ties counted against it."""
    scores = similarity([paper.title for paper in papers], [paper.abstract for paper in papers])
    own = np.diagonal(scores)[:, None]
    found = ((scores >= own).sum(axis=1) <= RECALL_AT).astype(np.float64)
    means = np.random.default_rng(0).choice(found, (1000, len(found))).mean(axis=1)
    return Estimate(float(found.mean()), *(float(point) for point in np.quantile(means, [0.025, 0.975])))


def texts_per_second(encoder: Encoder, texts: Sequence[str], *, length: int = 60, seconds: float = 2.0) -> float:
    """Return how many texts of `length` characters the encoder encodes in one second of one thread's CPU time."""
    whole = "".join(texts)
    sample = [whole[i : i + length] for i in range(0, min(len(whole) - length, 4096 * length), length)]
    encoder.encode(sample[:64], "passage")
    done, started = 0, time.process_time()
    with threadpool_limits(limits=1):
        while time.process_time() - started < seconds:
            encoder.encode(sample, "passage")
            done += len(sample)
    return done / (time.process_time() - started)


def store_texts(pairs: JudgedPairs) -> tuple[list[str], list[str]]:
    """Return the demands' and the achievements' texts as a build hands them to the adaptation."""
    wanted = [meaningful(f"{demand.title} {demand.content}") for demand in pairs.demands]
    return wanted, [meaningful(f"{item.title} {item.content}") for item in pairs.achievements]


def compare(encoder: Encoder, shared_data: Path, *, teacher: Encoder | None = None) -> list[Row]:
    """Return the figures of `encoder`, of its adaptation to the judged store, of BM25 and TF-IDF, and of the teacher.

    Raises:
        NotFoundError: the folder of real data is missing.

    """
    corpus = read_corpus(shared_data)
    pairs = load_judged(shared_data / "bdci2019")[0]
    rows = [
        _row("character 2-3-gram TF-IDF", character_tfidf, pairs, corpus),
        _row("BM25", bm25, pairs, corpus),
        _row("encoder", cosine(encoder), pairs, corpus),
    ]
    if isinstance(encoder, StaticEncoder):
        judged = judge(pairs, cosine(adapt(encoder, *store_texts(pairs))))
        recalls = [_adapted_recall(encoder, papers) for papers in (corpus.csl_held_out, corpus.chinaxiv_held_out)]
        rows.append(Row("encoder, adapted", judged["auc2"], judged["auc3"], judged["ndcg10"], *recalls))
    if teacher is not None:
        rows.append(_row("teacher", cosine(teacher), pairs, corpus))
    return rows


def _adapted_recall(encoder: StaticEncoder, papers: Sequence[Paper]) -> Estimate:
    """Title -> abstract recall in a store of these papers, the encoder adapted to it without the titles' pairing."""
    adapted = adapt(encoder, [paper.title for paper in papers], [paper.abstract for paper in papers])
    return title_recall(papers, cosine(adapted))


def _row(system: str, similarity: Similarity, pairs: JudgedPairs, corpus: Corpus) -> Row:
    judged = judge(pairs, similarity)
    return Row(
        system,
        judged["auc2"],
        judged["auc3"],
        judged["ndcg10"],
        title_recall(corpus.csl_held_out, similarity),
        title_recall(corpus.chinaxiv_held_out, similarity),
    )


def as_json(rows: Sequence[Row]) -> dict[str, dict[str, object]]:
    """Return {system: {figure: {value, low, high}}}."""
    return {row.system: {key: value for key, value in asdict(row).items() if key != "system"} for row in rows}


def sample_texts(shared_data: Path) -> list[str]:
    """Return held-out abstracts, as a build would hand them to the encoder, for timing."""
    return [normalise(paper.abstract) for paper in read_corpus(shared_data).csl_held_out]
