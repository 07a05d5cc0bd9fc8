"""One question, several kinds: the subject is read once, each kind's collection is asked, texts alone order it."""

from functools import lru_cache

import numpy as np

from data.errors import InputError
from data.kinds.declaration import KindDeclaration, Role
from data.kinds.disclosure import disclosed
from data.kinds.record import KindRecord
from data.records import UNSTORED, Demand
from data.taxonomy.places import kilometres
from data.text.segment import content_words
from matcher.collection.filters import OPEN_STATUSES
from matcher.engine import MAX_TOP, Engine
from matcher.kinds.answer import NO_OUTCOMES, NONE_FOUND, KindAnswer, KindItem, KindRequirement, KindsAnswer
from matcher.kinds.candidates import KindsQuery, kind_candidates, nearness
from matcher.kinds.figures import RequiredFigures
from matcher.kinds.index import KindIndex, as_achievement
from matcher.recommendation import NEAREST_ONLY
from matcher.request.pipeline import select
from matcher.request.subject import Subject
from matcher.texts.space import record_text

MAX_KINDS = 8
MAX_QUOTE = 60  # characters of an output that a reason quotes
SHARED = 4  # words that a reason quotes
FIGURES_CHECKED = 20  # records of a list whose technical data are compared with required figures


def recommend_kinds(engine: Engine, index: KindIndex, demand: Demand, query: KindsQuery) -> KindsAnswer:
    """Return for each kind asked for its best records (at most so many) that are offered on the day.

    Raises:
        InputError: the demand has no text to match by, a kind is unknown or no supply, a number is not 1-200, or no kind
            asked for has a field that is required.

    """
    wanted = query.wanted
    if not 1 <= len(wanted) <= MAX_KINDS:
        raise InputError(f"{len(wanted)} kinds are asked for; ask for 1 to {MAX_KINDS}")
    for name, top in wanted.items():
        kind = index.kinds.known(name)
        if kind.role is not Role.SUPPLY:
            supply = ", ".join(kind.name for kind in index.kinds.of_role(Role.SUPPLY))
            raise InputError(f"records of kind {name!r} are not recommended; those that are: {supply}")
        if not 1 <= top <= MAX_TOP:
            raise InputError(f"{top} records of kind {name!r} are asked for; it must be 1 to {MAX_TOP}")
    for name in query.requirements:
        if not any(name in index.kinds[kind].by_name for kind in wanted):
            raise InputError(f"none of the kinds asked for has the field {name!r}; see GET /v1/kinds")
    subject = engine.subject(demand)
    figures = RequiredFigures.of(engine, subject)
    answers = [
        _of_achievements(engine, index.kinds[name], demand, top, query)
        if index.kinds[name].own_table
        else _of_kind(engine, index, subject, index.kinds[name], top, query, figures)
        for name, top in wanted.items()
    ]
    known = None if demand.demand_id == UNSTORED else demand.demand_id
    return KindsAnswer(subject_id=known, bundle_version=engine.model.version, kinds=tuple(answers))


def _of_achievements(engine: Engine, kind: KindDeclaration, demand: Demand, top: int, query: KindsQuery) -> KindAnswer:
    """Return the achievements as a request for them alone would, with probabilities and the ranker's reasons."""
    filters = query.filters_of(kind.name)
    filters = filters if filters.statuses else filters.model_copy(update={"statuses": OPEN_STATUSES})
    found = engine.recommend_achievements(demand, top=top, filters=filters.on(query.on), explain=True)
    items = tuple(
        KindItem(
            rank=match.rank,
            id=match.id,
            title=match.title,
            provider=match.owner,
            region=match.region,
            probability=match.probability,
            score=match.score,
            reasons=tuple(reason.text for reason in match.reasons),
            requirements=tuple(
                KindRequirement(field="indicators", label=one.parameter or "指标", status=one.status, text=one.text)
                for one in match.requirements
            ),
        )
        for match in found.items
    )
    return KindAnswer(kind=kind.name, label=kind.label, message=found.message, answered=found.answered, items=items)


def _of_kind(
    engine: Engine,
    index: KindIndex,
    subject: Subject,
    kind: KindDeclaration,
    top: int,
    query: KindsQuery,
    figures: RequiredFigures | None,
) -> KindAnswer:
    found = kind_candidates(engine, index, subject, kind, top, query)
    if found is None:
        return KindAnswer(kind=kind.name, label=kind.label, message=NONE_FOUND, answered=False)
    ranker = index.rankers.get(kind.name)
    order = (found.untaught if ranker is None else ranker.scores(found.features)) - found.penalty
    probability = None if ranker is None else ranker.probability(order)
    chosen = select(found.retrieved, np.argsort(-order, kind="stable"))
    looked_at = [found.records[place] for place in chosen[:FIGURES_CHECKED].tolist()]
    stated = figures.checks(looked_at, kind) if figures else []
    items = []
    for rank, place in enumerate(chosen.tolist(), start=1):
        record = found.records[place]
        shown = disclosed(record, kind)
        items.append(
            KindItem(
                rank=rank,
                id=record.id,
                title=record.title,
                provider=record.provider,
                region=record.region,
                kilometres=None if (away := kilometres(subject.record.region, record.region)) is None else round(away),
                attributes={} if shown is None else shown.attributes,
                probability=None if probability is None else round(float(probability[place]), 4),
                score=round(float((found.untaught if ranker is None else order)[place]), 4),
                reasons=(*_reasons(subject, record, kind), *_known_by(found.known_by.get(record.id), shown is record)),
                requirements=(*found.checked[place], *(stated[rank - 1] if rank <= len(stated) else ())),
            )
        )
    if ranker is None or probability is None:
        return KindAnswer(kind=kind.name, label=kind.label, message=NO_OUTCOMES, items=tuple(items))
    # As for achievements without a threshold of their own: the average shown pair is the measure.
    answered = bool(probability.max() >= ranker.calibration.base_rate_)
    message = "" if answered else NEAREST_ONLY
    return KindAnswer(kind=kind.name, label=kind.label, message=message, answered=answered, items=tuple(items))


def _known_by(output: str | None, public: bool) -> tuple[str, ...]:
    return (f"代表成果中最接近的：“{output[:MAX_QUOTE]}”",) if output and public else ()


@lru_cache(maxsize=64)  # read once for all the items of a question
def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(content_words(text)))


def _reasons(subject: Subject, record: KindRecord, kind: KindDeclaration) -> tuple[str, ...]:
    """Return what both texts say, quoted; nothing where they share no word."""
    offered = set(content_words(record_text(as_achievement(record, kind)).full))
    shared = [word for word in _words(subject.text.full) if word in offered and len(word) > 1]
    found = []
    if shared:
        quoted = "".join(f"“{word}”" for word in sorted(shared, key=len, reverse=True)[:SHARED])
        found.append(f"{kind.reason or kind.label}与需求都提到{quoted}")
    near, away = nearness(subject.record.region, record.region), kilometres(subject.record.region, record.region)
    parts = [f"同在一{near}"] if near else []
    if away is not None and near != "市":
        parts.append(f"相距约 {away:.0f} 公里")
    return (*found, f"与需求方{'，'.join(parts)}") if parts else tuple(found)
