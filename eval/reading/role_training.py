"""Fit the weights of roles on marked texts: of our own (lexicon), and of the tuning half of a gold set if there is one."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from eval.reading.quantity_evaluation import FILES, GoldText, gold_pairs, half_of, load_gold
from knowledge_graph.quantities.extraction import role_features
from knowledge_graph.quantities.types import DEMAND_ROLES, SUPPLY_ROLES, Role, Side

_MARK = re.compile(r"\{([^{}|]+)\|([a-z])\}")
_ROLES: dict[str, Role] = {
    "r": "requirement", "c": "current", "b": "business", "a": "achieved", "s": "setting", "o": "other",
}  # fmt: skip
REGULARISATION = 0.01

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


def gold_examples(texts: list[GoldText], side: Side) -> list[Example]:
    """Return features and roles of the quantities of a gold set that the rules find."""
    examples = []
    for text in texts:
        found = [
            (field, quantity, features)
            for field, content in text.fields.items()
            for quantity, features in role_features(content, side, title=field == "title")
        ]
        quantities = [(field, quantity) for field, quantity, _ in found]
        for mark, column in gold_pairs(text, quantities):
            examples.append((found[column][2], _ROLES[mark.role[0]]))
    return examples


def fit(side: Side, examples: list[Example]) -> dict[str, Any]:
    """Return weights, role to feature to weight, of a multinomial logistic regression on the examples."""
    from sklearn.linear_model import LogisticRegression

    roles = DEMAND_ROLES if side == "demand" else SUPPLY_ROLES
    names = sorted({name for features, _ in examples for name in features})
    matrix = np.array([[features.get(name, 0.0) for name in names] for features, _ in examples])
    labels = [roles.index(role) for _, role in examples]
    model = LogisticRegression(C=REGULARISATION, max_iter=2000, fit_intercept=False).fit(matrix, labels)
    return {
        role: {name: round(float(weight), 4) for name, weight in zip(names, model.coef_[row], strict=True)}
        for row, role in enumerate(roles)
    }


def refit(gold: Path | None) -> dict[str, dict[str, Any]]:
    """Return fresh weights of both sides, fitted on our own texts and on the tuning half of `gold`."""
    weights: dict[str, dict[str, Any]] = {}
    for name, side in FILES.items():
        examples = own_examples(side)
        if gold is not None:
            texts = [text for text in load_gold(gold / f"{name}.jsonl") if half_of(text.record_id) == "tuning"]
            examples += gold_examples(texts, side)
        weights[side] = fit(side, examples)
    return weights


def save(weights: dict[str, dict[str, Any]], path: Path) -> None:
    """Write weights where `roles.load_weights` reads them."""
    path.write_text(json.dumps(weights, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")
