"""The texts the shipped encoder may be trained on, and those it is judged by. Only openly licensed ones are trained on.

Trained on: ChinaXiv papers (CC BY 4.0) and CSL titles (Apache-2.0). Held out: a fixed tenth of ChinaXiv, chosen by the
SHA-256 of the paper's id, and all of `csl_full_dev`. A paper of the training part that repeats a held-out title
(another version, a second publication) is left out too.
"""

import csv
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from data.errors import NotFoundError
from data.text.normalise import normalise
from models.encoder.static import fold

CHINAXIV = ("chinaxiv_zh_01.csv", "chinaxiv_zh_02.csv")
CSL_TITLES = "csl_titles_8000.csv"
CSL_DEV = "csl_full_dev.csv"

_SEPARATORS = re.compile(r"[;；,，、\s]+")
_SENTENCE_END = re.compile(r"(?<=[。！？；])")


@dataclass(frozen=True)
class Paper:
    """A title and, where the source gives them, abstract and keywords."""

    paper_id: str
    title: str
    abstract: str = ""
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """Papers to train on, and two held-out sets that training never reads."""

    train: tuple[Paper, ...]
    chinaxiv_held_out: tuple[Paper, ...]
    csl_held_out: tuple[Paper, ...]


def is_held_out(paper_id: str) -> bool:
    """Tell whether the ChinaXiv paper belongs to the fixed tenth that is never trained on."""
    return int(sha256(paper_id.encode()).hexdigest(), 16) % 10 == 0


def read_papers(path: Path) -> list[Paper]:
    """Read a corpus file with the columns id, title and, if present, abstract and keywords.

    Raises:
        NotFoundError: there is no such file.

    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                Paper(
                    paper_id=row["id"],
                    title=normalise(row["title"]),
                    abstract=normalise(row.get("abstract") or ""),
                    keywords=tuple(word for word in _SEPARATORS.split(normalise(row.get("keywords") or "")) if word),
                )
                for row in csv.DictReader(file)
            ]
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} is missing; GONGXU_SHARED_DATA names the folder with the real data") from error


def read_corpus(shared_data: Path) -> Corpus:
    """Read the openly licensed part of `corpus/` and split it.

    Raises:
        NotFoundError: a file is missing.

    """
    folder = shared_data / "corpus"
    chinaxiv = [paper for name in CHINAXIV for paper in read_papers(folder / name)]
    csl_held_out = read_papers(folder / CSL_DEV)
    chinaxiv_held_out = [paper for paper in chinaxiv if is_held_out(paper.paper_id)]
    seen = {fold(paper.title) for paper in (*chinaxiv_held_out, *csl_held_out)}
    train = []
    for paper in (*chinaxiv, *read_papers(folder / CSL_TITLES)):
        title = fold(paper.title)
        if title and title not in seen:
            seen.add(title)
            train.append(paper)
    return Corpus(tuple(train), tuple(chinaxiv_held_out), tuple(csl_held_out))


def sentences(text: str) -> list[str]:
    """Split `text` after its full stops and semicolons; pieces of fewer than 8 characters join the one before."""
    pieces: list[str] = []
    for piece in _SENTENCE_END.split(text):
        if pieces and len(piece) < 8:
            pieces[-1] += piece
        elif piece:
            pieces.append(piece)
    return pieces
