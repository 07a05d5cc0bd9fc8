"""Graded pairs of short texts, as search logs give them: how well each system puts the better ones first."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.files.reading.readers import open_table
from data.settings import Settings
from data.terminal import Table
from data.terminal import console as terminal
from data.text.normalise import meaningful
from data.text.segment import content_words
from eval.metrics.bootstrap import mean_samples, resample_weights, summarise
from eval.metrics.levels import auc, ndcg_by_demand
from eval.offline.findings import numbers
from matcher.texts.space import TextSpace
from models.encoder.base import load_encoder
from models.lexical_index import LexicalIndex

# Headers that name the two texts and the grade, the first that a file has counts.
LEFT = ("query", "demand", "text_a")
RIGHT = ("title", "achievement", "text_b")
GRADE = ("label_0_2", "label", "grade", "level")
RESAMPLES = 300  # there are many texts, and a draw holds a number for each


@dataclass(frozen=True)
class GradedTexts:
    """n pairs of texts: `left` and `right`, with `grade` (n,), whole numbers from 0, more meaning a better match."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    grade: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.grade)


def load_graded(path: Path) -> GradedTexts:
    """Read a table with a column of `LEFT`, one of `RIGHT` and one of `GRADE`; pairs with an empty text are left out.

    Raises:
        InputError: a column is missing, a grade is not a whole number from 0, or all grades are equal.

    """
    with open_table(path) as table:
        columns = []
        for names in (LEFT, RIGHT, GRADE):
            found = [name for name in names if name in table.headers]
            if not found:
                raise InputError(f"{path} has none of the columns {', '.join(names)}; one of them is needed")
            columns.append(found[0])
        rows = []
        for number, cells, problem, _, skipped in table.rows:
            if skipped:
                continue
            if problem:
                raise InputError(f"{path} row {number} cannot be read: {problem}")
            left, right = (meaningful(str(cells[name] or "")) for name in columns[:2])
            grade = str(cells[columns[2]]).strip()
            if not grade.isdecimal():
                raise InputError(f"{path} row {number}: {columns[2]} {grade!r} is not a whole number from 0")
            if left and right:
                rows.append((left, right, int(grade)))
    if len({grade for _, _, grade in rows}) < 2:
        raise InputError(f"{path} holds {len(rows)} pairs and fewer than 2 different grades; nothing can be ordered")
    lefts, rights, grades = zip(*rows, strict=True)
    return GradedTexts(lefts, rights, np.array(grades, dtype=np.int64))


def graded_figures(
    texts: GradedTexts, settings: Settings, progress: Callable[[str], None] = lambda _: None
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return {SYSTEM: {METRIC: {"value", "low", "high"}}}: how each system orders the pairs, with intervals over left texts.

    A left text is read as a demand's title, a right one as an achievement's. SYSTEM is random, bm25, grams (cosine of character
    2- and 3-grams) and encoder; METRIC auc1, auc2 … (a pair of at least that grade against one below) and ndcg10 over
    the right texts of each left one.
    """
    lefts, rights = sorted(set(texts.left)), sorted(set(texts.right))
    place_l = {text: row for row, text in enumerate(lefts)}
    place_r = {text: row for row, text in enumerate(rights)}
    d = np.array([place_l[text] for text in texts.left], dtype=np.int64)
    a = np.array([place_r[text] for text in texts.right], dtype=np.int64)
    progress("texts")
    encoder = load_encoder(settings.encoder)
    space = TextSpace.fit(encoder, [*lefts, *rights])
    progress("views")
    left, right = space.rows(lefts, "query"), space.rows(rights, "passage")
    progress("search")
    scores = {
        "random": np.random.default_rng(0).random(len(texts)),
        "bm25": _bm25(lefts, rights, d, a),
        "grams": np.asarray(left.grams[d].multiply(right.grams[a]).sum(axis=1), dtype=np.float64).ravel(),
        "encoder": np.einsum("nd,nd->n", left.vectors[d], right.vectors[a], dtype=np.float64),
    }
    draws = resample_weights(len(lefts), RESAMPLES, seed=0)
    return {
        name: {metric: numbers(summarise(values)) for metric, values in _samples(texts.grade, score, d, draws).items()}
        for name, score in scores.items()
    }


def _bm25(lefts: list[str], rights: list[str], d: NDArray[np.int64], a: NDArray[np.int64]) -> NDArray[np.float64]:
    index = LexicalIndex.build([content_words(text) for text in rights])
    scores = np.zeros(len(d))
    order = np.argsort(d, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(d[order])) + 1):
        scores[rows] = index.scores(content_words(lefts[d[rows[0]]]), a[rows])
    return scores


def _samples(
    grade: NDArray[np.int64], score: NDArray[np.float64], d: NDArray[np.int64], draws: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    weights = draws[:, d]
    samples = {f"auc{least}": auc(grade >= least, score, weights) for least in np.unique(grade)[1:].tolist()}
    asked, values = ndcg_by_demand(grade + 1, score, d)
    return samples | {"ndcg10": mean_samples(values, draws[:, asked])}


def show_graded(figures: dict[str, dict[str, dict[str, float | None]]], title: str) -> None:
    """Print the figures: systems by metrics, each with its 95% interval."""
    table = Table(title=title)
    table.add_column("system")
    for metric in next(iter(figures.values())):
        table.add_column(metric, justify="right")
    for name, found in figures.items():
        table.add_row(name, *("–" if one["value"] is None else _cell(one) for one in found.values()))
    terminal().print(table)


def _cell(one: dict[str, float | None]) -> str:
    return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
