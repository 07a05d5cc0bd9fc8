"""Fitting the term extractor: a logistic regression on what speaks for the candidates of human-marked texts."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from data.errors import InputError
from eval.reading.term_evaluation import MarkedText, exact, figures_of, overlap
from knowledge_graph.build import Progress, no_progress
from knowledge_graph.terms.keyphrases import KeyphraseExtractor, TermWeights
from knowledge_graph.terms.tagging import tag

FOLDS = 4
REGULARISATIONS = (0.05, 0.2, 1.0)
"""Inverse strengths (scikit-learn's C) that are tried."""
THRESHOLDS = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
MIN_TEXTS = 16
"""Two learning texts for each fold, and as many to report on."""
NEGLIGIBLE = 0.05
"""Weights below this are left out of the file; hundreds of rare shapes have them."""


@dataclass(frozen=True)
class _Candidates:
    """The candidates of some texts: `evidence` (n, names), `marked` (n,) and `text` (n,), the text's place; `phrases`."""

    evidence: sp.csr_matrix
    names: Sequence[str]
    marked: NDArray[np.bool_]
    text: NDArray[np.int64]
    phrases: Sequence[str]


def fit_term_weights(texts: Sequence[MarkedText], progress: Progress = no_progress) -> TermWeights:
    """Return the weights learned from the marks of the even texts; the odd ones stay unseen, to report on.

    Regularisation and threshold are those of the best sum of exact and overlap F1 in a cross-validation inside the even
    texts. The corpus statistics of the candidates come from all texts, without their marks, as in extraction.
    Deterministic for one version of scikit-learn.

    Raises:
        InputError: there are fewer than `MIN_TEXTS` texts, or too few marks that are candidates.

    """
    if len(texts) < MIN_TEXTS:
        raise InputError(f"{len(texts)} texts hold marked terms; fitting the extractor needs at least {MIN_TEXTS}")
    progress("read texts", 0, 1)
    known = _candidates(texts)
    progress("read texts", 1, 1)
    fold = (known.text // 2) % FOLDS
    for held in range(FOLDS):
        if not known.marked[fold != held].any():
            raise InputError(
                "fewer than two of the texts to learn from hold a marked term that is a candidate (a run of up to 7 "
                "words without particles); mark such terms in more texts"
            )
    beliefs: dict[float, NDArray[np.float64]] = {}
    for number, strength in enumerate(REGULARISATIONS):
        progress("choose the regularisation", number, len(REGULARISATIONS))
        beliefs[strength] = np.zeros(len(known.text))
        for held in range(FOLDS):
            model = _fit(known, fold != held, strength)
            beliefs[strength][fold == held] = model.predict_proba(known.evidence[fold == held])[:, 1]
    progress("choose the regularisation", len(REGULARISATIONS), len(REGULARISATIONS))
    strength, threshold = max(
        product(REGULARISATIONS, THRESHOLDS), key=lambda chosen: _quality(texts, known, beliefs[chosen[0]], chosen[1])
    )
    model = _fit(known, np.ones(len(known.text), dtype=np.bool_), strength)
    pairs = zip(known.names, model.coef_[0].tolist(), strict=True)
    weights = {name: round(weight, 3) for name, weight in pairs if abs(weight) >= NEGLIGIBLE}
    weights["bias"] = round(float(model.intercept_[0]), 3)
    return TermWeights(threshold, dict(sorted(weights.items())))


def held_out_figures(texts: Sequence[MarkedText], weights: TermWeights) -> dict[str, float]:
    """Return precision, recall and F1 (`exact_*`, `overlap_*`) of an extractor with these weights on the odd texts."""
    plain = [text.text for text in texts]
    found = KeyphraseExtractor(weights).fit(plain).extract_all(plain)
    odd = range(1, len(texts), 2)
    return figures_of(texts, found, odd, None, exact) | figures_of(texts, found, odd, None, overlap)


def write_weights(weights: TermWeights, path: Path) -> None:
    """Write the weights as the JSON that the extractor reads.

    Raises:
        InputError: the file cannot be written.

    """
    try:
        path.write_text(json.dumps(asdict(weights), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; give a file that can be written") from error


def _candidates(texts: Sequence[MarkedText]) -> _Candidates:
    """Return the candidates of the even texts."""
    extractor = KeyphraseExtractor().fit([text.text for text in texts])
    rows, phrases, marked, place = [], [], [], []
    for number in range(0, len(texts), 2):
        for phrase, evidence in extractor.evidence(tag(texts[number].text)).items():
            rows.append(evidence)
            phrases.append(phrase)
            marked.append(phrase in texts[number].gold)
            place.append(number)
    if not any(marked):
        raise InputError("none of the marked terms is a candidate of its text; mark terms as they stand in the text")
    vectorizer = DictVectorizer()
    evidence = vectorizer.fit_transform(rows)
    names = vectorizer.get_feature_names_out().tolist()
    return _Candidates(evidence, names, np.array(marked), np.array(place, dtype=np.int64), phrases)


def _fit(known: _Candidates, rows: NDArray[np.bool_], strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=2_000).fit(known.evidence[rows], known.marked[rows])


def _quality(texts: Sequence[MarkedText], known: _Candidates, belief: NDArray[np.float64], threshold: float) -> float:
    """Return exact F1 + overlap F1 over the even texts when candidates from a probability on are called terms."""
    found: list[list[str]] = [[] for _ in texts]
    for row in np.flatnonzero(belief >= threshold).tolist():
        found[int(known.text[row])].append(known.phrases[row])
    even = range(0, len(texts), 2)
    one, other = figures_of(texts, found, even, None, exact), figures_of(texts, found, even, None, overlap)
    return one["exact_f1"] + other["overlap_f1"]
