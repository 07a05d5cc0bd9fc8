"""The texts that the student learns from, and those it is chosen by; all openly licensed or gongxu's own.

Lengths and forms follow what the second stage reads: titles, titles reduced to their key words, lists of key words,
single sentences, titles with the beginning of their text. Papers come from `training.encoder.corpus`, whose held-out
part is never trained on; demands and achievements, which papers do not resemble, from gongxu's simulator.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.simulator.plan import SimulationPlan
from data.simulator.simulation import simulate
from data.text.normalise import normalise
from data.text.segment import content_words
from training.encoder.corpus import Corpus, Paper, sentences

# Characters of the longest text; about two thirds as many tokens.
LONGEST = 240
# Papers of each held-out set that the student is chosen by.
HELD_OUT_PAPERS = 250
_SENTENCES_A_PAPER = 1
# Papers whose title and abstract are read together: they are most of the teacher's time.
_LONG_SHARE = 0.25
_SIMULATED = SimulationPlan(achievements=2_000, demands=1_500, events=0, seed=20_261)
# The simulator's files and the columns of title and text in them.
_SIMULATED_FILES = {"achievements.csv": ("成果名称", "成果简介"), "demands.csv": ("需求名称", "需求内容")}


@dataclass(frozen=True)
class TrainingTexts:
    """Texts to learn from in a fixed random order, held-out titles, and held-out titles with their abstracts."""

    train: tuple[str, ...]
    held_out_titles: tuple[str, ...]
    held_out_full: tuple[str, ...]


def training_texts(corpus: Corpus, work: Path, seed: int) -> TrainingTexts:
    """Return the texts. The simulator writes its records into `work`."""
    rng = np.random.default_rng([seed, 1])
    texts = [*_of_papers(corpus.train, rng), *_of_records(_simulated_records(work), rng)]
    held_out = [*corpus.csl_held_out[:HELD_OUT_PAPERS], *corpus.chinaxiv_held_out[:HELD_OUT_PAPERS]]
    kept_aside = {paper.title for paper in (*corpus.csl_held_out, *corpus.chinaxiv_held_out)}
    unique = [text for text in dict.fromkeys(texts) if len(text) > 2 and text not in kept_aside]
    return TrainingTexts(
        tuple(unique[i] for i in rng.permutation(len(unique))),
        tuple(paper.title for paper in held_out),
        tuple(f"{paper.title} {paper.abstract}"[:LONGEST] for paper in held_out),
    )


def _of_papers(papers: Iterable[Paper], rng: np.random.Generator) -> Iterable[str]:
    for paper in papers:
        yield paper.title
        if rng.random() < 0.3:
            yield key_words(paper.title)
        if paper.keywords and rng.random() < 0.5:
            yield ("、", " ", "，")[rng.integers(3)].join(paper.keywords)[:LONGEST]
        if paper.abstract:
            if rng.random() < _LONG_SHARE:
                yield _beginning(f"{paper.title} {paper.abstract}", rng)
            parts = sentences(paper.abstract)
            for i in rng.permutation(len(parts))[:_SENTENCES_A_PAPER]:
                yield parts[i][:LONGEST]


def _of_records(records: Iterable[tuple[str, str]], rng: np.random.Generator) -> Iterable[str]:
    for title, content in records:
        yield title
        draw = rng.random()
        if draw < 0.3:
            yield key_words(title)
        elif draw < 0.7:
            yield _beginning(f"{title} {content}", rng)


def key_words(text: str) -> str:
    """Return the words of `text` of two characters or more, as platforms publish titles that were cut to key words."""
    return " ".join(word for word in content_words(text) if len(word) > 1)


def _beginning(text: str, rng: np.random.Generator) -> str:
    """Return the first 60 to `LONGEST` characters."""
    return text[: int(rng.integers(60, LONGEST + 1))]


def _simulated_records(work: Path) -> list[tuple[str, str]]:
    folder = work / "simulated"
    simulate(_SIMULATED, folder)
    records = []
    for name, (title, content) in _SIMULATED_FILES.items():
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            records += [(normalise(row[title]), normalise(row[content])) for row in csv.DictReader(file)]
    return records
