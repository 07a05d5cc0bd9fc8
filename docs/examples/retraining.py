"""Two variants trained on one store, compared in MLflow, one promoted, and taken back.

    python docs/examples/retraining.py --home .gongxu

It needs a store (`gongxu import`); everything it does has a command: `gongxu build`, `train --no-promote`, `models`,
`promote`, `promote --rollback`. It changes what is served in that home, and leaves it as it was but for the first version
of all.
"""

import argparse
from pathlib import Path

from data.settings import Settings
from data.store.store import Store
from matcher.bundle import CURRENT, pointed
from models.ranking.ordinal import RankerParameters
from training.pipeline import build, train
from training.release.promotion import promote, rollback
from training.versions.runs import experiment_id, tracking

VARIANTS = {"few trees": RankerParameters(trees=40), "many trees": RankerParameters(trees=150)}


def main(home: Path, variants: dict[str, RankerParameters]) -> list[str]:
    """Run the example in a home and return the versions that served one after the other."""
    settings = Settings(home=home)
    served = []
    with Store.open(settings.store_url) as store:
        if not settings.bundles.is_dir():
            print("build:", build(settings, store).manifest.version)

        # 1. Train. A version is a bundle and a run in MLflow; nothing serves it yet.
        versions = {name: train(settings, store, parameters).manifest.version for name, parameters in variants.items()}
        print("trained:", versions)

        # 2. Compare. Every figure is of demands that neither version learned from, with the ends of its interval.
        best = compare(settings, list(versions.values()))

        # 3. Promote. The gate wants a gain that is sure; its checks say what is missing.
        decision = promote(settings, store, best)
        for check in decision.checks:
            print("  ", "passed" if check.passed else "REFUSED", check.message)
        if not decision.promoted:
            decision = promote(settings, store, best, force=True, why="example: shows what force leaves behind")
        served.append(decision.candidate)

        # 4. Roll back, in one step. The other variant serves first, so that there is something to go back to.
        other = next(version for version in versions.values() if version != best)
        promote(settings, store, other, force=True, why="example: something to roll back from")
        served.append(pointed(settings.bundles, CURRENT))
        rollback(settings, store, why="example")
        served.append(pointed(settings.bundles, CURRENT))
    print("served:", " -> ".join(served))
    return served


def compare(settings: Settings, versions: list[str]) -> str:
    """Print the runs of the versions as MLflow holds them, the best first, and return that one's version."""
    with tracking(settings) as client:
        found = client.search_runs([experiment_id(settings, client)], "tags.`gongxu.kind` = 'train'")
    chosen = [run for run in found if run.data.params["bundle"] in versions]
    runs = sorted(chosen, key=lambda run: -run.data.metrics.get("ndcg10", 0.0))
    for run in runs:
        figures = {name: round(run.data.metrics[name], 4) for name in ("ndcg10", "auc2") if name in run.data.metrics}
        print("  ", run.data.params["bundle"], "trees", run.data.params["trees"], figures)
    return str(runs[0].data.params["bundle"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--home", type=Path, default=Path(".gongxu"), help="GONGXU_HOME of the store")
    main(parser.parse_args().home, VARIANTS)
