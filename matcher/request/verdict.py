"""The verdict on a list: that of its best candidate after all checks, unless the demand is foreign to the collection."""

from matcher.ranking.familiarity import HOPELESS
from matcher.ranking.scorer import Scores
from matcher.ranking.verdict import FOREIGN, verdict_of
from matcher.recommendation import Verdict
from matcher.request.pipeline import Query


def best_probability(scores: Scores) -> float | None:
    """Return the highest probability; None without candidates."""
    return float(scores.probability.max()) if len(scores) else None


def list_verdict(query: Query, scores: Scores, familiar: float | None) -> Verdict:
    """Return whether a query's list is good enough; lists, pools of candidates and gap reports all ask here.

    Args:
        query: its scorer's threshold is that of demands' lists, those of achievements have none.
        scores: (n,) of all candidates, after the check of required figures (`checked`).
        familiar: how familiar the subject is, see `relative_familiarity`; below 1 it is foreign.

    """
    if familiar is not None and familiar < HOPELESS:
        return FOREIGN
    scorer, for_demand = query.scorer, query.side == "achievements"
    found = verdict_of(
        best_probability(scores),
        scorer.average if scorer else None,
        scorer.threshold if scorer and for_demand else None,
        for_demand=for_demand,
    )
    if familiar is None or familiar >= 1:
        return found
    return found.model_copy(update={"answered": False, "text": FOREIGN.text})
