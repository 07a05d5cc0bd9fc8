"""Fit the weights of roles on marked texts: our own (lexicon), and those of a gold set if there is one."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from eval.reading.quantity_evaluation import FILES, Counts, GoldText, compare, gold_pairs, load_markings, summary
from knowledge_graph.quantities.extraction import role_features
from knowledge_graph.quantities.roles import Weights
from knowledge_graph.quantities.types import DEMAND_ROLES, SUPPLY_ROLES, Quantity, Role, Side

_MARK = re.compile(r"\{([^{}|]+)\|([a-z])\}")
_ROLES: dict[str, Role] = {
    "r": "requirement", "c": "current", "b": "business", "a": "achieved", "s": "setting", "o": "other",
}  # fmt: skip
REGULARISATION: dict[Side, float] = {"demand": 0.2, "supply": 0.5}  # C, chosen by `cross_validate`
FOLDS = 10
_SEEN = 2  # words of fewer quantities are not learned

Example = tuple[dict[str, float], Role]


def own_examples(side: Side) -> list[Example]:
    """Return features and roles of the quantities of our own marked texts."""
    path = resources.files("knowledge_graph.quantities") / "lexicon" / f"role_examples_{side}.txt"
    examples = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        text, marks, end = "", [], 0
        for match in _MARK.finditer(line):
            text += line[end : match.start()]
            marks.append((len(text), len(text) + len(match[1]), _ROLES[match[2]]))
            text += match[1]
            end = match.end()
        text = (text + line[end:]).replace("⏎", "\n")
        for quantity, features in role_features(text, side):
            for start, stop, role in marks:
                if start <= quantity.value_span[0] < stop:
                    examples.append((features, role))
    return examples


def gold_examples(text: GoldText, side: Side) -> list[Example]:
    """Return features and roles of the quantities of a marked text that the rules find."""
    found = [
        (field, quantity, features)
        for field, content in text.fields.items()
        for quantity, features in role_features(content, side, title=field == "title")
    ]
    quantities = [(field, quantity) for field, quantity, _ in found]
    return [(found[column][2], _ROLES[mark.role[0]]) for mark, column in gold_pairs(text, quantities)]


def fit(side: Side, examples: Sequence[Example]) -> Weights:
    """Return weights, role to feature to weight, of a multinomial logistic regression on the examples."""
    from sklearn.linear_model import LogisticRegression

    roles = DEMAND_ROLES if side == "demand" else SUPPLY_ROLES
    seen = Counter(name for features, _ in examples for name in features)
    names = sorted(name for name, count in seen.items() if count >= _SEEN or ":" not in name)
    columns = {name: column for column, name in enumerate(names)}
    matrix = np.zeros((len(examples), len(names)))
    for row, (features, _) in enumerate(examples):
        for name in features.keys() & columns.keys():
            matrix[row, columns[name]] = features[name]
    labels = [roles.index(role) for _, role in examples]
    model = LogisticRegression(C=REGULARISATION[side], max_iter=3000, fit_intercept=False).fit(matrix, labels)
    return {
        role: {
            name: weight
            for name, weight in zip(names, np.round(model.coef_[row], 3).tolist(), strict=True)
            if weight != 0
        }
        for row, role in enumerate(roles)
    }


def refit(gold: Path | None) -> dict[str, Weights]:
    """Return fresh weights of both sides, fitted on our own texts and on all marked texts of the folder `gold`."""
    weights: dict[str, Weights] = {}
    for name, side in FILES.items():
        examples = own_examples(side)
        for text in load_markings(gold, name) if gold is not None else []:
            examples += gold_examples(text, side)
        weights[side] = fit(side, examples)
    return weights


def cross_validate(gold: Path, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return the measures of `summary` by side where no text is judged by weights that have seen it.

    Texts are dealt into `FOLDS` folds at random; our own texts are always learned from.
    """
    figures = {}
    for name, side in FILES.items():
        texts = load_markings(gold, name)
        own, marked = own_examples(side), [gold_examples(text, side) for text in texts]
        fold = np.random.default_rng(seed).permutation(len(texts)) % FOLDS
        counts: list[Counts] = []
        for held_out in range(FOLDS):
            learned = [example for i in np.flatnonzero(fold != held_out) for example in marked[i]]
            weights = fit(side, own + learned)
            counts += [compare(texts[i], side, _Reader(weights))[0] for i in np.flatnonzero(fold == held_out)]
        figures[name] = summary(counts, side)
    return figures


class _Reader:
    """Reads quantities and judges their roles by given weights."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def __call__(self, text: str, side: Side, title: bool) -> list[Quantity]:
        return [quantity for quantity, _ in role_features(text, side, title=title, weights=self._weights)]


def save(weights: dict[str, Any], path: Path) -> None:
    """Write weights where `roles.load_weights` reads them."""
    path.write_text(json.dumps(weights, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")
