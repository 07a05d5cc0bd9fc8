"""Served lists judged by a chat model: it levels the first ten of every system, and again what people levelled.

Two sets of figures come of it, people's and the model's, of the same lists; no figure mixes both.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from data.errors import InputError, ModelUnavailableError
from data.store.work.model_levels import ModelLevel, ModelLevels
from eval.metrics.agreement import Agreement, agreement
from eval.offline.findings import numbers
from eval.served.evaluation import ServedResult
from eval.served.lists import SHOWN
from eval.served.metrics import ServedFigures, served_figures
from eval.served.task import AskedDemand, ServedTask
from matcher.opinions.examples import choose_examples, lenders
from matcher.opinions.level import Example, Instruction, PairTexts
from matcher.opinions.levelling import level_pairs
from models.remote.chat import ChatModel

METRICS = ("ndcg10", "p10", "p3", "hit3", "judged10")
LEFT_OUT = "random"  # system whose lists would cost as many calls as all others and are bad by construction
SAMPLE = 200  # levels of people that a model gives again
KEEP_EVERY = 50  # levels that are kept at a time


@dataclass(frozen=True)
class JudgedLists:
    """What a model made of the served lists, and how far it agrees with people.

    `people` and `model` hold each system's figures, over the `asked` demands that lent no example. `refused` counts the
    answers that were not used, by why.
    """

    judge: str
    prompt: str
    judged_at: datetime
    asked: int
    examples: int
    levels: int
    new: int
    refused: Counter[str]
    agreement: Agreement
    people: Mapping[str, ServedFigures]
    model: Mapping[str, ServedFigures]

    def as_json(self) -> dict[str, Any]:
        """Return all of it; each figure of the model has the agreement beside it."""
        kappas = {"kappa": numbers(self.agreement.kappa), "weighted_kappa": numbers(self.agreement.weighted)}
        return {
            "model": self.judge,
            "prompt": self.prompt,
            "judged_at": self.judged_at.isoformat(),
            "ai_generated": True,
            "demands": self.asked,
            "examples": self.examples,
            "levels": self.levels,
            "refused": dict(self.refused),
            "agreement": {"levels": self.agreement.number, "demands": self.agreement.demands} | kappas,
            "people": {name: _figures(found) for name, found in self.people.items()},
            "by_model": {
                name: {metric: figure | kappas for metric, figure in _figures(found).items()}
                for name, found in self.model.items()
            },
        }


def _figures(found: ServedFigures) -> dict[str, dict[str, Any]]:
    estimates = found.estimates()
    return {metric: dict(numbers(estimates[metric])) for metric in METRICS}


def judge_served(
    result: ServedResult,
    chat: ChatModel,
    kept: ModelLevels,
    now: datetime,
    *,
    sample: int = SAMPLE,
    seed: int = 0,
    step: Callable[[float], None] = lambda _: None,
) -> JudgedLists:
    """Have a model level the first ten items of each system's lists, and `sample` items that people levelled.

    Levels are kept as they come, so that a run that is stopped goes on where it was.

    Raises:
        InputError: people's levels are too few to choose examples from and to measure agreement on.
        ModelUnavailableError: the model is away, resting or out of budget; what it levelled so far is kept.

    """
    task = result.task
    record_of = _record_of_text(task)
    by_demand = {
        one.demand.demand_id: {record_of[text]: int(np.floor(level + 0.5)) for text, level in one.levels.items()}
        for one in task.asked
    }
    chosen = choose_examples(by_demand, seed)
    if not chosen:
        raise InputError("--judge takes examples from people's levels of at least three demands; judge more pairs")
    texts = _Texts(task, record_of)
    examples = tuple(Example(texts.pair(texts.asked[d], task.text_of[a]), level) for d, a, level in chosen)
    instruction = Instruction(examples)
    lent = lenders(chosen)
    places = [place for place, one in enumerate(task.asked) if one.demand.demand_id not in lent]
    systems = [name for name in result.lists if name != LEFT_OUT]
    shown = {place: _shown(result, systems, place) for place in places}
    judged = _sample([(place, text) for place in places for text in task.asked[place].levels], sample, seed)
    pairs = {
        (place, text): texts.pair(task.asked[place], text)
        for place, text in dict.fromkeys([*judged, *((place, text) for place in places for text in shown[place])])
    }
    levels, new, refused = _levelled(chat, pairs, instruction, kept, now, step)
    given: dict[int, dict[int, float]] = {place: {} for place in places}
    for (place, text), pair in pairs.items():
        if pair.digest in levels:
            given[place][text] = float(levels[pair.digest].level)
    both = [
        (task.asked[place].demand.demand_id, task.asked[place].levels[text], int(level))
        for place in places
        for text, level in given[place].items()
        if text in task.asked[place].levels
    ]
    return JudgedLists(
        judge=chat.name,
        prompt=instruction.digest,
        judged_at=now,
        asked=len(places),
        examples=len(examples),
        levels=sum(len(one) for one in given.values()),
        new=new,
        refused=refused,
        agreement=agreement([d for d, _, _ in both], [p for _, p, _ in both], [m for _, _, m in both], task.good),
        people=_by_system(result, systems, places, {place: task.asked[place].levels for place in places}),
        model=_by_system(result, systems, places, given),
    )


class _Texts:
    """What a model reads of the task's pairs, by demand and text number."""

    def __init__(self, task: ServedTask, record_of: Mapping[int, str]) -> None:
        self._records = {record.achievement_id: record for record in task.achievements}
        self._record_of = record_of
        self.asked = {one.demand.demand_id: one for one in task.asked}

    def pair(self, asked: AskedDemand, text: int) -> PairTexts:
        return PairTexts.of(asked.demand, self._records[self._record_of[text]])


def _record_of_text(task: ServedTask) -> dict[int, str]:
    """Return the first achievement's id by the number of its text."""
    found: dict[int, str] = {}
    for record in task.achievements:
        found.setdefault(task.text_of[record.achievement_id], record.achievement_id)
    return found


def _shown(result: ServedResult, systems: list[str], place: int) -> list[int]:
    return list(dict.fromkeys(text for name in systems for text in result.lists[name][place].texts[:SHOWN]))


def _sample(pairs: list[tuple[int, int]], number: int, seed: int) -> list[tuple[int, int]]:
    order = np.random.default_rng(seed).permutation(len(pairs))[:number]
    return [pairs[place] for place in sorted(order.tolist())]


def _levelled(
    chat: ChatModel,
    pairs: Mapping[tuple[int, int], PairTexts],
    instruction: Instruction,
    kept: ModelLevels,
    now: datetime,
    step: Callable[[float], None],
) -> tuple[dict[str, ModelLevel], int, Counter[str]]:
    """Return the levels by the digest of their texts, how many are new, and why answers were not used."""
    levels = kept.under(chat.name, instruction.digest)
    wanted = list(pairs.values())
    refused: Counter[str] = Counter()
    new = 0
    for start in range(0, len(wanted), KEEP_EVERY):
        found = level_pairs(chat, wanted[start : start + KEEP_EVERY], instruction, levels, now)
        new += kept.keep(found.new)
        levels |= found.levels
        refused += found.refused
        if found.stopped:
            done = sum(pair.digest in levels for pair in wanted)
            raise ModelUnavailableError(
                f"{found.stopped}; {done} of {len(wanted)} levels are kept, run the command again to go on", "stopped"
            )
        step(min(1.0, (start + KEEP_EVERY) / len(wanted)))
    return levels, new, refused


def _by_system(
    result: ServedResult, systems: list[str], places: list[int], levels: Mapping[int, Mapping[int, float]]
) -> dict[str, ServedFigures]:
    known = [levels[place] for place in places]
    return {
        name: served_figures([result.lists[name][place] for place in places], known, result.task.good)
        for name in systems
    }
