"""What a simulated demander knows: the true relevance of every achievement, and true answers to questions."""

import json
import math
import random
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.simulator.lexicon import Technology, load_lexicon
from data.simulator.plan import SimulationPlan
from data.simulator.relevance import fit_of, grade_of, technology_affinity
from data.simulator.wording import value_of
from data.simulator.world import Float, World, make_world
from matcher.clarification.answers import COOPERATION, UNCLEAR
from matcher.clarification.questions import Question

VAGUE = 2


class SimulatedTruth:
    """The world behind a folder that `gongxu lab simulate` wrote, drawn again from its plan; rows are those of its files."""

    def __init__(self, folder: Path) -> None:
        path = folder / "truth" / "world.json"
        try:
            plan = json.loads(path.read_text(encoding="utf-8"))["plan"]
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"{path} does not exist; give a folder that `gongxu lab simulate` wrote") from error
        except (json.JSONDecodeError, KeyError) as error:
            raise InputError(f"{path} is damaged; run `gongxu lab simulate` again") from error
        self.lexicon = load_lexicon()
        self.world: World = make_world(self.lexicon, SimulationPlan(**plan))

    @cached_property
    def _affinity(self) -> Float:
        return technology_affinity(self.lexicon)

    def grades(self, demand: int) -> NDArray[np.int8]:
        """Return (achievements,) true grades 0-4 of all achievements for one demand."""
        return grade_of(self.relevance(demand, np.arange(len(self.world.achievements))))

    def relevance(self, demand: int, achievements: NDArray[np.int64]) -> Float:
        """Return (n,) true relevance in [0, 1] of some achievements for one demand."""
        rows = np.array([demand])
        fit = fit_of(self._affinity, self.world.demands.at(rows, 0), self.world.achievements.at(achievements, 1))
        relevance: Float = fit.relevance[0]
        return relevance

    def wording(self, demand: int) -> int:
        """Return 0 for a demand in the firm's words, 1 for a technical one, 2 for a vague one."""
        return int(self.world.demands.wording[demand])

    def is_copy(self, demand: int) -> bool:
        """Tell whether a demand repeats an earlier one."""
        return bool(self.world.demands.original[demand] >= 0)

    def answer(self, demand: int, question: Question) -> str:
        """Return the true answer to a question, as far as one of its options (or a number) tells it; else `UNCLEAR`."""
        kind, _, name = question.id.partition(":")
        if kind == "limit":
            return self._limit(demand, name)
        technology = self.lexicon.technologies[int(self.world.demands.technology[demand])]
        if kind == "threshold":
            return self._level(demand, technology, question.id.rpartition(":")[2])
        true = self.words(demand)
        right = [
            option
            for option in question.options
            if any(_same(part, word) for part in option.answer.split("、") for word in true)
        ]
        return max(right, key=lambda option: option.probability).answer if right else UNCLEAR

    def words(self, demand: int) -> tuple[str, ...]:
        """Return the researchers' words for what the demand is about: technology, material, processes, product, scene."""
        demands = self.world.demands
        technology = self.lexicon.technologies[int(demands.technology[demand])]
        return (
            technology.term,
            technology.synonym,
            technology.materials[int(demands.material[demand])],
            *technology.processes,
            technology.products[int(demands.product[demand])],
            self.lexicon.industries[technology.industry].scenes[int(demands.scene[demand])],
            *(indicator.name for indicator in technology.indicators[:2]),
        )

    def _limit(self, demand: int, name: str) -> str:
        demands = self.world.demands
        if name == "budget":
            return f"{math.exp(float(demands.log_budget[demand])):.3g}"
        if name == "region":
            return self.lexicon.places[int(demands.place[demand])].code
        if name == "maturity":
            return str(int(demands.trl_min[demand]))
        return random.Random(f"{demand}:mode").choice(COOPERATION)  # noqa: S311  no truth depends on it

    def _level(self, demand: int, technology: Technology, parameter: str) -> str:
        demands = self.world.demands
        for place, indicator in enumerate(technology.indicators):
            if indicator.name == parameter and demands.asks[demand, place] > 0.5:
                return value_of(indicator, float(demands.required[demand, place]))
        return UNCLEAR


def _same(option: str, word: str) -> bool:
    """Tell whether an option names what a word names: one holds the other, of two characters at least."""
    short, long = sorted((option.lower(), word.lower()), key=len)
    return len(short) >= 2 and short in long
