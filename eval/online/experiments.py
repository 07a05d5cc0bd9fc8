"""Online experiments: what is being compared, and what the events say of it."""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from data.errors import InputError
from data.records import EventKind, OutcomeEvent
from data.store.store import Store
from eval.metrics.bootstrap import RESAMPLES, resample_weights

FOLDER = "experiments"
STEPS = {"click": 1, "contact": 2, "meeting": 3, "deal": 4}  # least grade of each
MIN_DEMANDERS = 20  # fewer demanders on a side allow no conclusion
SURE = 0.05
MISMATCH = 0.001  # below this probability the shares served are not those asked for


class Mode(StrEnum):
    """How champion and challenger share the traffic."""

    SPLIT = "split"  # each demander is served by one of them
    SHADOW = "shadow"  # the champion answers, the challenger answers too and nobody sees it
    INTERLEAVE = "interleave"  # both draft one list


class Experiment(BaseModel):
    """One comparison of two bundles on live traffic; `share` is that of demanders with the challenger (split only)."""

    model_config = ConfigDict(frozen=True)

    name: str
    mode: Mode
    champion: str
    challenger: str
    share: float
    started_at: datetime
    stopped_at: datetime | None = None

    def covers(self, moment: datetime | None) -> bool:
        """Tell whether a moment lies within the experiment."""
        end = self.stopped_at or datetime.max.replace(tzinfo=UTC)
        return moment is not None and self.started_at <= moment <= end


def all_experiments(home: Path) -> list[Experiment]:
    """Return all experiments ever started in a home, oldest first."""
    paths = (home / FOLDER).glob("*/experiment.json")
    found = [Experiment.model_validate_json(path.read_text(encoding="utf-8")) for path in paths]
    return sorted(found, key=lambda experiment: experiment.started_at)


def running_experiment(home: Path) -> Experiment | None:
    """Return the experiment that was started and not stopped, or None."""
    open_ones = [experiment for experiment in all_experiments(home) if experiment.stopped_at is None]
    return open_ones[-1] if open_ones else None


def save_experiment(home: Path, experiment: Experiment) -> None:
    """Write an experiment in one step; servers notice within a second."""
    directory = home / FOLDER / experiment.name
    directory.mkdir(parents=True, exist_ok=True)
    waiting = directory / f".experiment-{os.getpid()}"
    waiting.write_text(experiment.model_dump_json(indent=1), encoding="utf-8")
    waiting.replace(directory / "experiment.json")


def share_experiment(store: Store, experiment: Experiment) -> None:
    """Let the other machines of a store know that an experiment began or ended.

    Raises:
        StoreError: the database fails.

    """
    if store.shared:
        store.experiments.put(experiment.name, experiment.model_dump_json())


def fetch_experiments(home: Path, store: Store) -> None:
    """Bring what began or ended on other machines of a store into this home; what ended here does not begin again.

    Raises:
        StoreError: the database fails.

    """
    if not store.shared:
        return
    shared = [Experiment.model_validate_json(document) for document in store.experiments.all()]
    known = {one.name: one for one in all_experiments(home)} if shared else {}
    for one in shared:
        here = known.get(one.name)
        if here is None or (here != one and here.stopped_at is None):
            save_experiment(home, one)


class Rate(BaseModel):
    """Share of requests that reached a step, on both sides, and the difference with its 95% interval over demanders."""

    champion: float
    challenger: float
    difference: float
    low: float
    high: float


class Results(BaseModel):
    """Outcome of an experiment so far; what its mode does not measure is None or empty."""

    experiment: Experiment
    requests: dict[str, int]
    demanders: dict[str, int]
    rates: dict[str, Rate] = {}
    # Interleaving: requests that each side won, ties, and how likely a result as one-sided would be by chance alone.
    wins: dict[str, int] = {}
    p_value: float | None = None
    # Split: how likely so different a share of demanders would be by chance alone.
    share_p_value: float | None = None
    # Shadow: agreement of the first ten, share of requests with the same first item, milliseconds of the challenger.
    overlap: float | None = None
    same_first: float | None = None
    challenger_ms: float | None = None
    # In Chinese: what may be concluded.
    conclusion: str


class _Request:
    """One request of an experiment: which side showed each pair, and the best that came of it."""

    def __init__(self, demander: str) -> None:
        self.demander = demander
        self.side: dict[tuple[str, str], str] = {}
        self.grade: dict[tuple[str, str], int] = {}

    def best(self, side: str) -> int:
        return max((self.grade.get(pair, 0) for pair, shown in self.side.items() if shown == side), default=0)

    def taken(self, side: str) -> int:
        return sum(self.grade.get(pair, 0) >= 1 for pair, shown in self.side.items() if shown == side)


def results(
    experiment: Experiment, events: Iterable[OutcomeEvent], demander_of: Mapping[str, str], home: Path
) -> Results:
    """Return what the events say of an experiment.

    Args:
        experiment: which one.
        events: in order of time, as the store yields them.
        demander_of: the demander of each demand id; a demand that is not named counts as its own.
        home: GONGXU_HOME, for what a shadow answered.

    """
    if experiment.mode is Mode.SHADOW:
        return _shadow_results(experiment, home)
    requests = _requests(experiment, events, demander_of)
    return _split_results(experiment, requests) if experiment.mode is Mode.SPLIT else _drafted(experiment, requests)


def _requests(experiment: Experiment, events: Iterable[OutcomeEvent], demander_of: Mapping[str, str]) -> list[_Request]:
    """Join later events to the experiment's impressions, by request and pair, or to the pair's latest impression."""
    sides = {experiment.champion: "champion", experiment.challenger: "challenger"}
    by_id: dict[str, _Request] = {}
    latest: dict[tuple[str, str], _Request] = {}
    for event in events:
        pair = (event.demand_id, event.achievement_id)
        if event.kind is EventKind.IMPRESSION:
            side = sides.get(event.bundle_version)
            if side is None or not experiment.covers(event.occurred_at):
                latest.pop(pair, None)  # what follows came of a list that is not part of this
                continue
            demander = demander_of.get(event.demand_id, event.demand_id)
            request = by_id.setdefault(event.request_id, _Request(demander))
            request.side[pair] = side
            latest[pair] = request
        elif event.kind not in (EventKind.JUDGEMENT, EventKind.DECLINE):
            joined = by_id.get(event.request_id)
            if joined is None or pair not in joined.side:
                joined = latest.get(pair)
            if joined is not None:
                joined.grade[pair] = max(joined.grade.get(pair, 0), event.grade)
    return list(by_id.values())


def _chance_of(k: int, n: int, share: float = 0.5) -> float:
    """Return the p-value of k of n by a two-sided binomial test; scipy.stats is loaded only where it is asked for."""
    from scipy.stats import binomtest

    return float(binomtest(k, n, share).pvalue)


def _split_results(experiment: Experiment, requests: list[_Request]) -> Results:
    side_of = {request.demander: next(iter(request.side.values())) for request in requests}
    demanders = sorted(side_of)
    number = {demander: i for i, demander in enumerate(demanders)}
    challenged = np.array([side_of[demander] == "challenger" for demander in demanders], dtype=np.bool_)
    asked = np.bincount([number[request.demander] for request in requests], minlength=len(demanders)).astype(float)
    rates = {}
    if demanders:
        draws = resample_weights(len(demanders), RESAMPLES, seed=0)
        for step, least in STEPS.items():
            reached = np.zeros(len(demanders))
            for request in requests:
                reached[number[request.demander]] += request.best(side_of[request.demander]) >= least
            rates[step] = _rate(asked, reached, challenged, draws)
    counts = {"champion": int((~challenged).sum()), "challenger": int(challenged.sum())}
    total = len(demanders)
    mismatch = _chance_of(counts["challenger"], total, experiment.share) if total else None
    return Results(
        experiment=experiment,
        requests={
            "champion": int(asked[~challenged].sum()) if total else 0,
            "challenger": int(asked[challenged].sum()) if total else 0,
        },
        demanders=counts,
        rates={step: rate for step, rate in rates.items() if rate is not None},
        share_p_value=mismatch,
        conclusion=_split_conclusion(counts, rates, mismatch),
    )


def _rate(
    asked: NDArray[np.float64], reached: NDArray[np.float64], challenged: NDArray[np.bool_], draws: NDArray[np.float64]
) -> Rate | None:
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [
            (draws[:, side] @ reached[side]) / (draws[:, side] @ asked[side]) for side in (~challenged, challenged)
        ]
    difference = shares[1] - shares[0]
    drawn = difference[1:][~np.isnan(difference[1:])]
    if np.isnan(difference[0]) or not len(drawn):
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Rate(
        champion=float(shares[0][0]),
        challenger=float(shares[1][0]),
        difference=float(difference[0]),
        low=float(low),
        high=float(high),
    )


def _split_conclusion(counts: dict[str, int], rates: Mapping[str, Rate | None], mismatch: float | None) -> str:
    if min(counts.values()) < MIN_DEMANDERS:
        return f"需求方太少（每侧至少 {MIN_DEMANDERS} 家），还不能下结论"
    if mismatch is not None and mismatch < MISMATCH:
        return "两侧需求方的比例与设定不符，先查分流或记录，结果不可信"
    rate = rates.get("contact")
    if rate is None or rate.low <= 0 <= rate.high:
        return "按请求计的联系率没有显著差别"
    return "挑战者的联系率显著更高" if rate.low > 0 else "挑战者的联系率显著更低"


def _drafted(experiment: Experiment, requests: list[_Request]) -> Results:
    """Count whose items were taken up; each demander has one vote, so that a busy one does not decide alone."""
    wins = {"champion": 0, "challenger": 0, "tie": 0}
    votes: dict[str, int] = {}
    for request in requests:
        lead = request.taken("challenger") - request.taken("champion")
        wins["challenger" if lead > 0 else "champion" if lead < 0 else "tie"] += 1
        votes[request.demander] = votes.get(request.demander, 0) + int(np.sign(lead))
    ours, theirs = sum(vote > 0 for vote in votes.values()), sum(vote < 0 for vote in votes.values())
    p_value = _chance_of(ours, ours + theirs) if ours + theirs else None
    if ours + theirs < MIN_DEMANDERS:
        conclusion = f"有偏好的需求方只有 {ours + theirs} 家（至少 {MIN_DEMANDERS} 家），还不能下结论"
    elif p_value is None or p_value >= SURE:
        conclusion = "需求方对两者没有显著偏好"
    else:
        conclusion = "需求方显著偏好挑战者" if ours > theirs else "需求方显著偏好在役版本"
    return Results(
        experiment=experiment,
        requests={"both": len(requests)},
        demanders={"champion": theirs, "challenger": ours, "none": len(votes) - ours - theirs},
        wins=wins,
        p_value=p_value,
        conclusion=conclusion,
    )


def _shadow_results(experiment: Experiment, home: Path) -> Results:
    rows = list(_shadow_rows(home / FOLDER / experiment.name))
    both = [row for row in rows if row["champion"] or row["challenger"]]
    overlaps = [
        len({*row["champion"]} & {*row["challenger"]}) / max(len(row["champion"]), len(row["challenger"]))
        for row in both
    ]
    same = [row["champion"][:1] == row["challenger"][:1] for row in both]
    return Results(
        experiment=experiment,
        requests={"both": len(rows)},
        demanders={},
        overlap=float(np.mean(overlaps)) if both else None,
        same_first=float(np.mean(same)) if both else None,
        challenger_ms=float(np.median([row["ms"] for row in rows])) if rows else None,
        conclusion="影子模式只说明两者有多不同、挑战者要多少时间，不说明谁更好" if rows else "还没有影子请求",
    )


def _shadow_rows(directory: Path) -> Iterable[dict[str, Any]]:
    for path in sorted(directory.glob("shadow-*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):  # a server that was killed may leave half a line
                    yield json.loads(line)


def require_experiment(home: Path, name: str) -> Experiment:
    """Return an experiment by name, the latest one if none is named.

    Raises:
        InputError: there is none.

    """
    known = all_experiments(home)
    named = [experiment for experiment in known if not name or experiment.name == name]
    if not named:
        hint = f"there are {', '.join(experiment.name for experiment in known[-3:])}" if known else "none was started"
        raise InputError(f"no experiment {name!r}; {hint}; see `gongxu experiment start --help`")
    return named[-1]
