"""Champion and challenger side by side: who is served by which, answers in the shadow, lists drafted by both."""

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import thread_time

import structlog

from data.errors import GongxuError
from data.records import Achievement, Demand
from data.store.store import Store
from eval.online.experiments import FOLDER, Experiment, Mode, fetch_experiments, running_experiment
from matcher.engine import Engine
from matcher.recommendation import Match, Recommendation
from serving.runtime.live import LiveModel

log = structlog.get_logger("gongxu.experiment")
Ask = Callable[[Engine], Recommendation]


def demander(demand: Demand) -> str:
    """Return the demander of a demand: the firm, or the demand itself where it names none."""
    return demand.enterprise or demand.demand_id


def served_by_challenger(experiment: Experiment, who: str) -> bool:
    """Tell whether a demander is served by the challenger: always the same as long as the experiment runs."""
    digest = sha256(f"{experiment.name}:{who}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < experiment.share


def team_draft(champion: Sequence[Match], challenger: Sequence[Match], seed: str, top: int) -> list[tuple[Match, bool]]:
    """Return one list of at most `top` items that both sides drafted, each with whether the challenger chose it.

    In each round a coin tells who chooses first; each then takes its best item not taken yet (Radlinski, Kurup &
    Joachims 2008). The same seed tosses the same coins.
    """
    coin = random.Random(seed)  # noqa: S311 (a lot, no secret)
    chosen: list[tuple[Match, bool]] = []
    taken: set[str] = set()
    teams = (list(champion), list(challenger))
    while len(chosen) < top and any(match.id not in taken for team in teams for match in team):
        first = coin.random() < 0.5
        for side in (first, not first):
            best = next((match for match in teams[side] if match.id not in taken), None)
            if best is not None and len(chosen) < top:
                taken.add(best.id)
                chosen.append((best.model_copy(update={"rank": len(chosen) + 1}), side))
    return chosen


@dataclass(frozen=True)
class Served:
    """An answer, and for each of its items the bundle that put it there."""

    recommendation: Recommendation
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Running:
    """An experiment under way with its challenger loaded."""

    experiment: Experiment
    challenger: LiveModel

    def serve(self, champion: LiveModel, record: Demand | Achievement, request_id: str, top: int, ask: Ask) -> Served:
        """Answer a demand as the experiment wants it; in shadow mode as the champion does."""
        experiment = self.experiment
        who = demander(record) if isinstance(record, Demand) else record.achievement_id
        if experiment.mode is Mode.SPLIT and served_by_challenger(experiment, who):
            return answer(self.challenger, ask)
        if experiment.mode is not Mode.INTERLEAVE:
            return answer(champion, ask)
        ours, theirs = ask(champion.engine), ask(self.challenger.engine)
        drafted = team_draft(ours.items, theirs.items, f"{experiment.name}:{request_id}", top)
        names = (experiment.champion, experiment.challenger)
        better = max((ours, theirs), key=lambda one: (one.answered, bool(one.items)))
        listed = ours.model_copy(
            update={
                "items": [match for match, _ in drafted],
                "answered": better.answered,
                "verdict": better.verdict,
                "message": better.message,
            }
        )
        return Served(listed, tuple(names[side] for _, side in drafted))


def answer(live: LiveModel, ask: Ask) -> Served:
    """Return one bundle's answer."""
    recommendation = ask(live.engine)
    return Served(recommendation, (recommendation.bundle_version,) * len(recommendation.items))


class ExperimentHolder:
    """Holds the experiment under way. One thread loads; requests read `running`, one reference."""

    def __init__(self, home: Path, bundles: Path, threads: int) -> None:
        self._home = home
        self._bundles = bundles
        self._threads = threads
        self._refused = ""
        self._writing = Lock()
        self.running: Running | None = None

    def refresh(self, store: Store | None) -> None:
        """Begin or end what `gongxu experiment` says, here or on another machine of the store.

        A challenger that cannot be loaded leaves the champion alone.
        """
        if store is not None:
            fetch_experiments(self._home, store)
        wanted = running_experiment(self._home) if (self._home / FOLDER).is_dir() else None
        if wanted is None:
            if self.running is not None:
                log.info("experiment ended", name=self.running.experiment.name)
            self.running, self._refused = None, ""
            return
        if wanted.name == self._refused:
            return
        if self.running is None or self.running.experiment != wanted:
            try:
                live = LiveModel.load_beside(self._bundles / wanted.challenger, self._threads, store)
            except (GongxuError, OSError, ValueError, KeyError, RuntimeError) as error:
                self._refused, self.running = wanted.name, None
                log.warning("challenger rejected", version=wanted.challenger, reason=str(error))
                return
            self.running = Running(wanted, live)
            log.info("experiment begun", name=wanted.name, mode=wanted.mode.value, challenger=wanted.challenger)
        elif store is not None:
            self.running.challenger.catch_up(store)

    def of(self, champion: LiveModel) -> Running | None:
        """Return the experiment that this champion is part of; None when none runs, or another bundle serves by now."""
        running = self.running
        return running if running and running.experiment.champion == champion.manifest.version else None

    def shadow(self, running: Running, shown: Recommendation, request_id: str, ask: Ask) -> None:
        """Let the challenger answer too and note both answers, in an engine thread after the answer was sent."""
        started = thread_time()
        theirs = ask(running.challenger.engine)
        row = {
            "at": datetime.now(UTC).isoformat(),
            "request_id": request_id,
            "demand_id": shown.subject_id,
            "champion": [match.id for match in shown.items],
            "challenger": [match.id for match in theirs.items],
            "ms": round((thread_time() - started) * 1000, 2),
        }
        path = self._home / FOLDER / running.experiment.name / f"shadow-{os.getpid()}.jsonl"
        with self._writing, path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
