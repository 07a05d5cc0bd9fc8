"""Promotion and rollback: the gate asked, the decision kept, the bundle swapped in one step."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from data.errors import BundleError, GongxuError, InputError, NotFoundError
from data.locks import exclusive
from data.settings import Settings
from data.store.keys import AuditEntry
from data.store.store import Store
from eval.online.versions import PREDICTIONS, Candidate, Decision
from matcher.bundle import CHALLENGER, CURRENT, PREVIOUS, has_ranker, pointed, read_manifest, set_pointer, verify
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.scorer import Scorer, Scores
from matcher.served import LOCK, append, rollback_targets
from training.candidate.make import comparable_rows, held_out_pairs, stored_records
from training.comparison.pairs import HeldOut, Records, load_predictions, score_pairs
from training.comparison.sample_answers import ask, sample_demands
from training.comparison.served import served_lists
from training.comparison.slices import slices_of
from training.outcomes.graded_pairs import graded_pairs
from training.outcomes.holdout import split_pairs
from training.release.gate import Evidence, judge
from training.versions import candidates
from training.versions.provenance import user
from training.versions.registry import refresh_aliases, tag_decision
from training.versions.runs import recorded_run

OUTCOMES = {"promoted": "已晋级", "forced": "强制晋级", "refused": "未通过", "rollback": "已回退"}
Progress = Callable[[str], None]


def promote(
    settings: Settings,
    store: Store,
    wanted: str = "",
    *,
    force: bool = False,
    why: str = "",
    progress: Progress = lambda _: None,
) -> Decision:
    """Ask the gate about a version, the latest trained one if none is named; serve it if it passes or is forced.

    The decision is kept whatever it is: in GONGXU_HOME, in the store's audit trail, and as a run in MLflow.

    Raises:
        InputError: the version serves already, or `force` comes without `why`.
        NotFoundError: there is no such version.
        BusyError: another promotion is running.

    """
    if force and not why.strip():
        raise InputError("--force needs --why: the reason is kept with the decision")
    with exclusive(settings.home / LOCK, "promotion", "晋级或回退"):
        started_at, candidate = datetime.now(UTC), candidates.find(settings, wanted)
        champion = pointed(settings.bundles, CURRENT)
        if candidate.version == champion:
            raise InputError(f"version {champion} serves already; train a new one or name another")
        progress("gate")
        evidence = gather(settings, store, candidate, _with_ranker(settings, champion))
        progress("compare")
        verdict = judge(settings.gate, evidence)
        promoted = verdict.passed or (force and not evidence.problem)
        decision = Decision(
            action="promote",
            candidate=candidate.version,
            champion=champion,
            passed=verdict.passed,
            promoted=promoted,
            forced=promoted and not verdict.passed,
            who=user(),
            why=why.strip(),
            at=datetime.now(UTC),
            held_out_pairs=len(evidence.held),
            held_out_demands=len(set(evidence.held.demand_ids)),
            checks=verdict.checks,
            gains=verdict.gains,
            slices=verdict.slices,
        )
        if promoted:
            _serve(settings, candidate.version, champion)
        outcome = "forced" if decision.forced else "promoted" if promoted else "refused"
        candidates.save(settings, candidate.model_copy(update={"decision": outcome}))
        progress("mlflow")
        return _keep(settings, store, decision, outcome, started_at)


def rollback(settings: Settings, store: Store, why: str = "") -> Decision:
    """Serve the version that served before the current one; a second rollback goes one further back, never forward.

    Versions that hold records of another history of the store (it was restored since) are passed over.

    Raises:
        InputError: nothing served before.
        BundleError: that bundle is damaged.
        BusyError: a promotion is running.

    """
    with exclusive(settings.home / LOCK, "promotion", "晋级或回退"):
        champion = pointed(settings.bundles, CURRENT)
        watermark = store.watermark()
        targets = [
            version
            for version in rollback_targets(settings.home, settings.bundles)
            if _fits(settings.bundles / version, watermark)
        ]
        if not targets:
            raise InputError(
                "nothing to roll back to: no version served before this one, or its bundle is gone; "
                "name a version: gongxu promote VERSION",
                "没有可以回退到的上一版；可用 gongxu promote 指定版本",
            )
        previous = targets[0]
        verify(settings.bundles / previous)
        # In this order: whoever dies in between leaves the old version serving, or the new one and the way further back.
        set_pointer(settings.bundles, PREVIOUS, targets[1] if len(targets) > 1 else "")
        set_pointer(settings.bundles, CURRENT, previous)
        decision = Decision(
            action="rollback",
            candidate=previous,
            champion=champion,
            passed=True,
            promoted=True,
            who=user(),
            why=why.strip(),
            at=datetime.now(UTC),
        )
        return _keep(settings, store, decision, "rollback", decision.at)


def gather(settings: Settings, store: Store, candidate: Candidate, champion: str) -> Evidence:
    """Return what the gate needs: both versions' scores of the same held-out outcomes, as the store knows them now."""
    try:
        model = _usable(settings, store, candidate.version, champion)
    except GongxuError as error:
        nothing = Scores.none()
        empty = HeldOut([], [], np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))
        return Evidence(empty, nothing, None, {}, None, candidate.bytes, problem=str(error))
    incomparable, share = "", candidate.held_out_share
    if champion:
        try:
            share = min(share, candidates.load(settings, champion).held_out_share)
        except NotFoundError:
            incomparable = f"在役版本 {champion} 没有留出评估的记录，无法公平比较；确认后用 --force --why 晋级"
    demands, achievements = model.demands.base.cards, model.achievements.base.cards
    pairs = graded_pairs(store.events(), demands, achievements, now=datetime.now(UTC))
    _, rows = split_pairs(demands, pairs.d, share)
    held = held_out_pairs(model, pairs, comparable_rows(pairs, rows))
    records = stored_records(store, held)
    ours = _scores(settings, candidate.version, model, held, records)
    theirs = None
    versions = [(model, _unbiased(settings, candidate.version, model))]
    if champion and not incomparable:
        try:
            other = MatchingModel.load(settings.bundles / champion, threads=settings.threads)
            theirs = _scores(settings, champion, other, held, records)
            versions.append((other, _unbiased(settings, champion, other)))
        except (GongxuError, OSError) as error:  # damaged, or its history is of another gongxu
            incomparable = f"在役版本 {champion} 无法重新评分（{error}）；确认后用 --force --why 晋级"
    slices = slices_of(held, records, settings.slices)
    served, *others = served_lists(versions, held, records, pairs.showings)
    return Evidence(
        held,
        ours,
        theirs,
        slices,
        candidate.latency_ms,
        candidate.bytes,
        incomparable=incomparable,
        served=served,
        champion_served=others[0] if others else None,
    )


def _usable(settings: Settings, store: Store, version: str, champion: str) -> MatchingModel:
    """Return the loaded bundle after it answered a demand.

    Raises:
        GongxuError: it cannot be served, or would take the platform back to older records.

    """
    directory = settings.bundles / version
    manifest = verify(directory)
    model = MatchingModel.load(directory, threads=settings.threads, verified=manifest)
    if model.scorer is None:
        raise BundleError(f"bundle {version} has no ranker")
    if champion and manifest.watermark < (served := read_manifest(settings.bundles / champion).watermark):
        raise BundleError(
            f"bundle {version} holds records up to revision {manifest.watermark}, the one in service up to {served}; "
            "build and train again"
        )
    ask(Engine(model), sample_demands(list(store.demands()), 3))
    return model


def _scores(settings: Settings, version: str, model: MatchingModel, held: HeldOut, records: Records) -> Scores:
    """Return what a version says of held-out pairs without having seen any outcome of their demands."""
    kept = candidates.folder_of(settings, version) / PREDICTIONS
    if kept.is_file():
        pairs, scores = load_predictions(kept)
        if (pairs.demand_ids, pairs.achievement_ids) == (held.demand_ids, held.achievement_ids):
            return scores
    return score_pairs(model, _unbiased(settings, version, model), held.demand_ids, held.achievement_ids, records)


def _unbiased(settings: Settings, version: str, model: MatchingModel) -> Scorer:
    """Return the version's scorer as it was before the held-out outcomes entered its history.

    Raises:
        BundleError: the bundle has no ranker.

    """
    if model.scorer is None:
        raise BundleError(f"bundle {version} has no ranker")
    return candidates.without_held_out(settings, version, model.scorer)


def _with_ranker(settings: Settings, version: str) -> str:
    """Return the version if its bundle has a ranker, else nothing: one without, or of another format, is no champion."""
    return version if version and has_ranker(settings.bundles / version) else ""


def _fits(directory: Path, watermark: int) -> bool:
    """Tell whether a bundle can be read and holds nothing that the store, at `watermark`, does not know."""
    try:
        return read_manifest(directory).watermark <= watermark
    except BundleError:
        return False


def _serve(settings: Settings, version: str, champion: str) -> None:
    """Let the pointers say that `version` serves in place of `champion`."""
    if _with_ranker(settings, champion):
        set_pointer(settings.bundles, PREVIOUS, champion)
    set_pointer(settings.bundles, CURRENT, version)
    if pointed(settings.bundles, CHALLENGER) == version:
        set_pointer(settings.bundles, CHALLENGER, "")


def _keep(settings: Settings, store: Store, decision: Decision, outcome: str, started_at: datetime) -> Decision:
    """Keep a decision where people will look for it."""
    append(settings.home, decision.model_dump_json())
    before = f"此前为 {decision.champion}" if decision.champion else "此前没有"
    subject = f"{decision.candidate}：{OUTCOMES[outcome]}，{before}；{decision.why}"[:500]
    store.api_keys.note(AuditEntry(decision.at, decision.who[:100], f"models.{decision.action}", subject))
    with recorded_run(settings, "promotion", f"{decision.action} {decision.candidate}: {outcome}") as run:
        run.started_at = started_at  # of the comparison, not of its record
        run.params = {
            "outcome": outcome,
            "candidate": decision.candidate,
            "champion": decision.champion,
            "who": decision.who,
            "why": decision.why,
        }
        run.metrics = {f"gain/{name}": gain.value for name, gain in decision.gains.items() if gain.value is not None}
        run.metrics |= {f"check/{check.name}": float(check.passed) for check in decision.checks}
        run.write_table("gains.json", [{"metric": name, **gain.model_dump()} for name, gain in decision.gains.items()])
        run.write_json("decision.json", decision.model_dump(mode="json"))
    unreached = run.unreached or refresh_aliases(settings)
    known = candidates.folder_of(settings, decision.candidate).is_dir()
    if known and not unreached:
        tags = {"gate": outcome, "who": decision.who, "why": decision.why or "-"}
        unreached = tag_decision(settings, candidates.load(settings, decision.candidate), tags)
    return decision.model_copy(update={"unreached": unreached})
