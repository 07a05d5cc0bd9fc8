"""Runs a simulation from plan to files."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from data.errors import InputError
from data.simulator import achievement_texts, clarity, demand_texts, naming, outcomes, output, relevance
from data.simulator.judgements import Judgements, judge
from data.simulator.kinds.records import write_kinds
from data.simulator.lexicon import load_lexicon
from data.simulator.outcomes import DEAL, KINDS, EventLog, simulate_events
from data.simulator.plan import LIST_LENGTH, SimulationPlan, SimulationSummary
from data.simulator.shortlist import TruePairs, shortlists
from data.simulator.world import World, make_world

Progress = Callable[[str, int, int], None]
"""Called as progress(stage, done, total); stages come one after the other."""

SIGNED = ("已签约", "已解决")


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Report nothing."""


def simulate(plan: SimulationPlan, out: Path, progress: Progress = _silent) -> SimulationSummary:
    """Simulate a platform and write it to the folder `out` (made if missing, files in it overwritten).

    Writes achievements.csv, demands.csv, events.jsonl, judgements.csv and truth/relevance.csv, truth/world.json; with
    `plan.kinds` also services, experts, equipment, kind_outcomes.jsonl and truth/kinds.csv.
    The same plan writes the same bytes.

    Raises:
        InputError: `out` is a file, or cannot be written.

    """
    begin = time.perf_counter()
    try:
        (out / "truth").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out} cannot be used as a folder ({error.strerror}); choose another one") from error
    lexicon = load_lexicon()
    world = make_world(lexicon, plan)
    with output.TruthFile(out / "truth" / "relevance.csv") as truth:
        lists = shortlists(world, plan, truth.add, _counter("true relevance", plan.demands, progress))
        log = simulate_events(world, lists, plan, _counter("outcomes", plan.events, progress))
        judgements = judge(world, lists, plan)
        truth.add(_seen_below_floor(world, log, judgements))
    _write_world(out / "truth" / "world.json", plan, world)
    output.write_judgements(out / "judgements.csv", judgements)
    output.write_events(out / "events.jsonl", log, _counter("events", plan.events, progress))
    closed = _closed(log, plan)
    counts = np.bincount(log.kind, minlength=len(KINDS)).tolist()
    del log, lists
    _write_records(out, plan, world, closed, progress)
    if plan.kinds:
        write_kinds(world, plan, out)
    return SimulationSummary(
        out=out,
        achievements=plan.achievements,
        demands=plan.demands,
        events=dict(zip(KINDS, counts, strict=True)),
        judgements=len(judgements.level),
        truth_pairs=truth.pairs,
        seconds=time.perf_counter() - begin,
    )


def _counter(stage: str, total: int, progress: Progress) -> Callable[[int], None]:
    """Return a function that adds to a stage's count and reports it every hundredth or so."""
    done, reported = 0, 0
    progress(stage, 0, total)

    def advance(count: int) -> None:
        nonlocal done, reported
        done += count
        if done - reported >= max(1, total // 100):
            reported = done
            progress(stage, min(done, total), total)

    return advance


def _seen_below_floor(world: World, log: EventLog, judgements: Judgements) -> TruePairs:
    """Return the pairs of events and judgements that the truth file does not hold yet."""
    demand = np.concatenate([log.demand, judgements.demand]).astype(np.int64)
    achievement = np.concatenate([log.achievement, judgements.achievement]).astype(np.int64)
    true = np.concatenate([log.relevance, judgements.relevance])
    _, first = np.unique(demand * len(world.achievements) + achievement, return_index=True)
    first = first[true[first] < relevance.TRUTH_FLOOR]
    return TruePairs(demand[first], achievement[first], true[first])


def _closed(log: EventLog, plan: SimulationPlan) -> dict[int, str]:
    """Return the final status of demands that found a deal."""
    rng = np.random.default_rng([plan.seed, 6])
    solved = np.unique(log.demand[log.kind == DEAL])
    return dict(zip(solved.tolist(), rng.choice(SIGNED, len(solved)).tolist(), strict=True))


def _write_records(out: Path, plan: SimulationPlan, world: World, closed: dict[int, str], progress: Progress) -> None:
    holders = naming.holder_names(world.lexicon, world.holders, plan.seed)
    firms = naming.firm_names(world.lexicon, world.firms, plan.seed)
    offers = achievement_texts.AchievementWriter(
        world.lexicon, world.achievements, holders, world.holders.type, plan.seed
    )
    needs = demand_texts.DemandWriter(world.lexicon, world.demands, world.firms, firms, plan.seed)

    def achievement_rows() -> Iterator[list[str]]:
        return (offers.row(number) for number in range(plan.achievements))

    def demand_rows() -> Iterator[list[str]]:
        return (needs.row(number, closed.get(number, "")) for number in range(plan.demands))

    advance = _counter("achievements", plan.achievements, progress)
    output.write_table(out / "achievements.csv", achievement_texts.HEADER, achievement_rows(), advance)
    advance = _counter("demands", plan.demands, progress)
    output.write_table(out / "demands.csv", demand_texts.HEADER, demand_rows(), advance)


def _write_world(path: Path, plan: SimulationPlan, world: World) -> None:
    """Write the parameters that a test of a method may want to know."""
    parameters = {
        "note": "simulated; true relevance is known; never evidence of quality on real platforms",
        "plan": {name: getattr(plan, name) for name in plan.__slots__},
        "industries": len(world.lexicon.industries),
        "technologies": len(world.lexicon.technologies),
        "grade_bounds": relevance.GRADE_BOUNDS,
        "truth_floor": relevance.TRUTH_FLOOR,
        "weights": relevance.WEIGHTS,
        "examination": [round(p**-outcomes.POSITION_EXPONENT, 6) for p in range(1, LIST_LENGTH + 1)],
        "policies": outcomes.POLICIES,
        "policy_months": outcomes.VERSIONS,
        "popularity_decay": outcomes.POPULARITY_DECAY,
        "clarity_weights": clarity.WEIGHTS,
        "contact_readiness": (clarity.LEAST_READINESS, clarity.MOST_READINESS),
        "cold_firms": int((world.firms.activity == 0).sum()),
        "firms": len(world.firms),
        "holders": len(world.holders),
        "duplicate_achievements": int((world.achievements.original >= 0).sum()),
        "duplicate_demands": int((world.demands.original >= 0).sum()),
        "vague_demands": int((world.demands.wording == demand_texts.VAGUE).sum()),
    }
    path.write_text(json.dumps(parameters, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
