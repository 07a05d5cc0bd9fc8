"""The demonstration: a simulated platform from records to explained matches, every step the real one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data.files.importer import import_paths
from data.files.judged import load_judged
from data.settings import Settings
from data.simulator import SimulationPlan, simulate
from data.store.store import Store
from eval.offline.cross_validation import Table, cross_validate
from eval.offline.systems import all_systems, build_corpus
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.recommendation import Recommendation
from training.candidate.make import BuiltBundle
from training.pipeline import build, train
from training.release.promotion import promote

SHOWN_DEMANDS = 3


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration made: the bundle, the figures on held-out demands, answers to a few demands."""

    built: BuiltBundle
    figures: Table
    answers: list[tuple[str, Recommendation]]


def demonstrate(settings: Settings, plan: SimulationPlan, progress: Callable[[str], None]) -> Demonstration:
    """Simulate, import, build, train, evaluate and recommend, in the home of `settings`.

    The figures are of the experts' simulated judgements, split by demand; they show that learning works, not how well
    gongxu does on a real platform.
    """
    folder = settings.home / "simulated"
    progress("simulate")
    simulate(plan, folder)
    progress("import")
    with Store.open(settings.store_url) as store:
        import_paths(store, [folder], rejects=settings.home / "rejects")
        built = build(settings, store, progress)
        built = train(settings, store, progress=progress)
        promote(settings, store, progress=progress)
        progress("evaluate")
        figures = evaluate_judgements(settings, folder, lambda _: None)
        progress("recommend")
        engine = Engine(MatchingModel.load(built.directory, threads=settings.threads))
        answers = []
        for demand in store.demands():
            answer = engine.recommend_achievements(demand, explain=True)
            if answer.items and demand.content:
                answers.append((demand.title, answer))
            if len(answers) == SHOWN_DEMANDS:
                break
    return Demonstration(built, figures, answers)


def evaluate_judgements(settings: Settings, folder: Path, progress: Callable[[str], None]) -> Table:
    """Return the figures of all systems on the folder's judgements, for demands that are new to them."""
    (pairs,) = load_judged(folder)
    corpus = build_corpus(pairs, settings, progress)
    return cross_validate(corpus, all_systems(corpus, threads=settings.threads), ("grouped",), progress)
