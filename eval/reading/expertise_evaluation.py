"""How often the better known of two papers that an expert rated comes first, by expertise from outputs."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from data.errors import InputError
from matcher.kinds.expertise import Expertise

Scores = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class ExpertiseFigures:
    """Shares of pairs ordered right; `weighted` counts a pair by how far its two ratings are apart. Ties count half."""

    experts: int
    pairs: int
    right: float
    weighted: float

    def as_dict(self) -> dict[str, float | int]:
        """Return the figures as JSON has them."""
        return {
            "experts": self.experts,
            "pairs": self.pairs,
            "right": round(self.right, 4),
            "weighted": round(self.weighted, 4),
        }


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a CSV file that has the given columns.

    Raises:
        InputError: the file is missing, or a column is.

    """
    if not path.is_file():
        raise InputError(f"no file at {path}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in columns if rows and name not in rows[0]]
    if missing or not rows:
        raise InputError(f"{path} lacks {', '.join(missing) or 'rows'}; it needs the columns {', '.join(columns)}")
    return rows


def evaluate(outputs: Path, papers: Path, judgements: Path) -> ExpertiseFigures:
    """Return how well experts' outputs tell which of two papers they know better.

    Raises:
        InputError: a file is missing or lacks a column, or nobody judged two known papers differently.

    """
    texts: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(outputs, ("expert_id", "title", "abstract")):
        texts[row["expert_id"]].append(f"{row['title']}. {row['abstract']}")
    known = {row["paper_id"]: f"{row['title']}. {row['abstract']}" for row in read_rows(papers, ("paper_id", "title"))}
    rated: dict[str, dict[str, float]] = defaultdict(dict)
    for row in read_rows(judgements, ("expert_id", "paper_id", "expertise_1_to_5")):
        if row["expert_id"] in texts and row["paper_id"] in known:
            rated[row["expert_id"]][row["paper_id"]] = float(row["expertise_1_to_5"])
    expertise = Expertise.fit(texts)
    scores = {paper: expertise.scores(known[paper]) for paper in {one for found in rated.values() for one in found}}
    return ordered_right(rated, {(expert, paper): scores[paper][expert] for expert in rated for paper in rated[expert]})


def ordered_right(rated: Mapping[str, Mapping[str, float]], scores: Scores) -> ExpertiseFigures:
    """Return the share of pairs of papers of one expert whose scores are in the order of the ratings.

    Raises:
        InputError: no expert rated two papers differently.

    """
    right = total = weighted = weights = 0.0
    for expert, found in rated.items():
        for (one, a), (other, b) in combinations(found.items(), 2):
            if a == b:
                continue
            difference = (a - b) * (scores[expert, one] - scores[expert, other])
            credit = 1.0 if difference > 0 else 0.5 if difference == 0 else 0.0
            right, total = right + credit, total + 1
            weighted, weights = weighted + credit * abs(a - b), weights + abs(a - b)
    if not total:
        raise InputError("no expert rated two papers differently: there is no pair to order")
    return ExpertiseFigures(len(rated), int(total), right / total, weighted / weights)
