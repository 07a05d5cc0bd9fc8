"""The card of maturity: what is declared, what the text states, what a model estimates, and where they differ."""

from collections.abc import Callable

from data.files.cells.maturity import read as read_level
from data.records import Achievement
from knowledge_graph.maturity.stage import STAGES, StageEstimate, shipped_model, stage_of_level
from knowledge_graph.maturity.statements import stated_maturity
from matcher.cards.answer import Card, Evidence, Indicator, quoted, unknown

SHOWN = 3  # features that an estimate quotes
TEXTS = ("title", "content", "indicators")
Estimate = Callable[[Achievement], StageEstimate]


def maturity_card(record: Achievement, estimate: Estimate | None = None) -> Card:
    """Return the card of maturity; `estimate` is the shipped model unless given."""
    declared = _declared(record)
    stated = _stated(record)
    estimated = _estimated(record, (estimate or shipped_model().estimate)(record))
    return Card(
        name="maturity",
        label="成熟度",
        indicators=(declared, stated, estimated, _conflict(declared, stated, estimated)),
    )


def _declared(record: Achievement) -> Indicator:
    name, label = "declared", "登记的成熟度"
    evidence = []
    level = record.trl
    if record.trl is not None:
        evidence.append(quoted(record.achievement_id, "trl", f"技术成熟度 {record.trl} 级"))
    if record.stage:
        evidence.append(quoted(record.achievement_id, "stage", record.stage))
        if level is None:
            read = read_level(record.stage).value
            level = read if isinstance(read, int) else None
    if not evidence:
        return unknown(name, label, "没有登记技术成熟度或成熟阶段")
    said = f"{level} 级（{STAGES[stage_of_level(level)]}）" if level is not None else record.stage
    return Indicator(name=name, label=label, status="stated", text=said, value=level, evidence=tuple(evidence))


def _stated(record: Achievement) -> Indicator:
    name, label = "stated", "文中所述成熟度"
    found = [(field, one) for field in TEXTS if (one := stated_maturity(getattr(record, field))) is not None]
    if not found:
        return unknown(name, label, "文中没有写明小试、中试、示范或产业化等进展")
    field, best = max(found, key=lambda pair: pair[1].level)
    return Indicator(
        name=name,
        label=label,
        status="stated",
        text=f"按原文约为 {best.level} 级（{STAGES[stage_of_level(best.level)]}）",
        value=best.level,
        evidence=(quoted(record.achievement_id, field, best.quote),),
    )


def _estimated(record: Achievement, found: StageEstimate) -> Indicator:
    name, label = "estimated", "估计的阶段"
    evidence = _features(record, found)
    if not found.sure or not evidence:
        return unknown(name, label, "依据不足，不作估计")
    return Indicator(
        name=name,
        label=label,
        status="estimated",
        text=f"多半为{STAGES[found.stage]}（把握 {found.probability:.0%}，由单位、形式、转化方式和用词估计，仅供参考）",
        value=round(found.probability, 4),
        evidence=evidence,
    )


def _features(record: Achievement, found: StageEstimate) -> tuple[Evidence, ...]:
    """Return the strongest features of an estimate as words of the record."""
    chosen = []
    for feature in found.evidence:
        sort, _, value = feature.partition("=")
        if not _:
            field = "title" if feature in record.title else "content"
            quote = feature if feature in getattr(record, field) else ""
        elif sort == "单位":
            field, quote = ("holder", record.holder) if record.holder else ("holder_type", record.holder_type)
        elif sort == "方式":
            field, quote = "transfer_modes", value
        elif sort == "形式":
            field, quote = "form", record.form if value else ""
        elif sort == "名称":
            field, quote = "title", record.title
        else:
            field, quote = "content", ""  # a cue of the content: the words that follow quote it better
        if quote:
            chosen.append(quoted(record.achievement_id, field, quote))
        if len(chosen) == SHOWN:
            break
    return tuple(chosen)


def _conflict(declared: Indicator, stated: Indicator, estimated: Indicator) -> Indicator:
    """Return whether what is declared differs from what the text states by a stage, or from the estimate by two."""
    name, label = "conflict", "登记与原文"
    if declared.value is None:
        return unknown(name, label, "没有登记等级，无从比较")
    stage = stage_of_level(int(declared.value))
    if stated.value is not None:
        other = stage_of_level(int(stated.value))
        both = (*declared.evidence, *stated.evidence)
        if other != stage:
            text = f"登记为{STAGES[stage]}，原文所述为{STAGES[other]}，请核实"
            return Indicator(name=name, label=label, status="warning", text=text, evidence=both)
        return Indicator(name=name, label=label, status="computed", text="登记与原文所述一致", evidence=both)
    if estimated.status == "unknown":
        return unknown(name, label, "原文没有写明，也不作估计，无从比较")
    guess = next(number for number, said in enumerate(STAGES) if said in estimated.text)
    both = (*declared.evidence, *estimated.evidence)
    if abs(guess - stage) > 1:
        text = f"登记为{STAGES[stage]}，估计多半为{STAGES[guess]}，请核实"
        return Indicator(name=name, label=label, status="warning", text=text, evidence=both)
    return Indicator(name=name, label=label, status="computed", text="登记与估计相差不到两个阶段", evidence=both)
