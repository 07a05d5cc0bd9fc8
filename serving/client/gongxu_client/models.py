"""What requests hold and answers bring. Written by `make client` from the OpenAPI document: do not edit."""

from __future__ import annotations

from datetime import date, time
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel


class ActionSent(BaseModel):
    """
    What somebody does about a provider or a stale record.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    subject: Literal["provider", "record"] = "provider"
    kind: str = ""
    """
    Of a record
    """
    name: str
    """
    The provider's name, or the record's id
    """
    action: Literal["confirm", "appeal", "uphold", "reject", "reinstate"]
    reason: str = ""


class AdviceItem(BaseModel):
    """
    A change of the record and the place that it brings in a demand's list.
    """

    demand_id: str
    demand_title: str
    kind: str
    """
    trl, price, modes, indicators, or together
    """
    text: str
    """
    What the holder has to do, in Chinese
    """
    changes: dict[str, Any]
    """
    The record's fields with their new values
    """
    rank_before: int
    rank_after: int
    enough: bool
    """
    Whether it brings the achievement into the list
    """
    score_before: float
    score_after: float


class AmountAnswer(BaseModel):
    """
    What a policy gives, in 万元, by its own words.
    """

    max_wan: float | None
    quote: str


class AssignmentView(BaseModel):
    """
    An assignment of a demand to a broker.
    """

    number: int
    demand_id: str
    broker_id: str
    state: Literal[
        "已派单",
        "已接单",
        "已拒单",
        "超时未应答",
        "已联系",
        "已走访",
        "已办结",
        "已评价",
        "已转交",
    ]
    """
    How far an assignment has come; the values are what operators read.
    """
    proposed_at: AwareDatetime
    proposed_by: str
    changed_at: AwareDatetime
    due_at: AwareDatetime | None
    """
    When the next step is due, by working days
    """
    escalation: int
    """
    0 the broker, 1 the deputy as well, 2 the operator has to see to it
    """
    outcome: str = ""
    value: str = ""
    note: str = ""
    why: dict[str, Any]
    """
    What the choice rested on: km, skill, closed, won, open, limit
    """
    next: list[
        Literal[
            "已派单",
            "已接单",
            "已拒单",
            "超时未应答",
            "已联系",
            "已走访",
            "已办结",
            "已评价",
            "已转交",
        ]
    ]
    """
    States that it can go to from here
    """


class BestQuestion(BaseModel):
    """
    The unknown fact whose value would decide most policies.
    """

    field: str
    decides: int
    policies: int
    quote: str
    text: str


class BranchAnswer(BaseModel):
    """
    The verdict for one group of applicants.
    """

    branch: str
    verdict: Literal["eligible", "needs judgement", "needs facts", "not eligible"]


class BrokerLoad(BaseModel):
    """
    How much a broker has to do.
    """

    broker_id: str
    name: str
    open: int
    limit: int
    away: bool


class BundleLimits(BaseModel):
    """
    Limits of a bundle; absent: none.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    budget: float | None = None
    """
    万元, all parts together
    """
    days: float | None = None
    """
    Of each part: they run side by side
    """
    regions: list[str] = []
    """
    Parts lie in, or serve, one of them
    """
    one_owner_at_most: int | None = None
    """
    Parts of one provider
    """
    strict: bool = False
    """
    true: leave out records that do not state price or days
    """


class BundlePart(BaseModel):
    """
    The record that fills a role.
    """

    role: str
    kind: str
    id: str
    title: str
    provider: str = ""
    region: str | None = None
    utility: float
    """
    Relative to the best candidate of its role
    """
    cost: float | None = None
    """
    万元; null: not stated, counted as nothing
    """
    days: float | None = None
    """
    Null: not stated, counted as nothing
    """
    kilometres: int | None = None
    note: str = ""
    """
    What the record does not state
    """


class BundleRelaxation(BaseModel):
    """
    The cheapest single limit to give way.
    """

    limit: str
    """
    budget, days, regions or one_owner_at_most
    """
    amount: float
    text: str
    parts: list[BundlePart]


class BundleRole(BaseModel):
    """
    One role of a bundle.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    kind: str = ""
    """
    Kind that fills it; empty: that of the role's name
    """
    needed: bool = True
    """
    false: may be left open
    """
    conditions: dict[str, str | int | float | bool | list[str]] | None = Field(None, max_length=20)
    """
    Values of filtered fields; a number is a bound from above
    """
    top: int = 50
    """
    Candidates looked at
    """


class ChainNodeAnswer(BaseModel):
    """
    A node of a chain with its figures.
    """

    node: str
    name: str
    path: list[str]
    """
    Names from the root to it
    """
    parent: str
    """
    Node above it, empty for a root
    """
    industry: str
    """
    GB/T 4754 code, empty where none is stated
    """
    own_weight: float
    downstream_weight: float
    """
    What depends on it, in the unit of own_weight
    """
    relative_weight: float
    """
    Both together, of an average leaf below it: 1 is that of all leaves
    """
    demands: int
    """
    Open demands on the node itself
    """
    demands_below: int
    """
    The same with all nodes below, each record once
    """
    supplies: int
    """
    Open achievements on the node and all nodes below, each once
    """
    owners: int
    suppliers: float
    """
    Owners, each counted by the age of its newest supply: half after five years
    """
    newest: date | None
    causes: list[Literal["none", "few", "old", "single_owner"]]
    """
    Why it is a bottleneck; empty: it is none
    """
    shortage: float


class ChainRecord(BaseModel):
    """
    A record on a node, and why it is there.
    """

    kind: str
    id: str
    title: str
    owner: str
    """
    Holder of the achievement, or enterprise of the demand
    """
    region: str | None
    day: date | None
    """
    Of the last change, else of publication
    """
    basis: str
    """
    industry, within, name, text or several: what placed it, see docs/chains.md
    """
    why: str
    """
    In Chinese; empty where the record is not open to the caller
    """


class ChainSummary(BaseModel):
    """
    A chain that was imported.
    """

    chain: str
    name: str
    nodes: int
    links: int
    imported_at: AwareDatetime


class Clarified(BaseModel):
    """
    What an answer says about a demand, in its structured fields; an answer that tells nothing is empty.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    keywords: list[str] = []
    region: str | None = None
    budget_max: float | None = None
    trl_min: int | None = None
    cooperation_modes: list[str] = []
    deadline: date | None = None


class CompositePart(BaseModel):
    """
    One achievement of a composite.
    """

    achievement_id: str
    title: str
    owner: str
    covers: list[str]
    """
    Terms of the demand that it holds
    """
    near: list[str]
    """
    Terms of the demand that it has something near to
    """
    share: float
    """
    Of the demand's weight, which near terms have by their nearness
    """


class Decision(BaseModel):
    """
    What the holder decided.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    decision: Literal["grant", "deny", "withdraw"]
    reason: str = ""
    expires_at: AwareDatetime | None = None
    """
    When a grant ends; null: not by itself
    """


class Deleted(BaseModel):
    """
    A record is gone; it will no longer be recommended within a second.
    """

    id: str
    result: Literal["deleted"] = "deleted"


class DeveloperAnswer(BaseModel):
    """
    A holder likely to be able to develop the rest.
    """

    name: str
    affinity: float
    terms: list[str]


class DisclosureAnswer(BaseModel):
    """
    A request and where it is.
    """

    number: int
    kind: str
    record_id: str
    viewer: str
    """
    `key:NAME` of an API key, or the user that a backend named in `Gongxu-Viewer`
    """
    access: str
    purpose: str
    state: str
    """
    asked, granted, denied or withdrawn
    """
    in_force: bool
    """
    Granted, and not expired
    """
    asked_at: AwareDatetime
    decided_at: AwareDatetime | None
    decided_by: str
    decision_reason: str
    expires_at: AwareDatetime | None


class DisclosureList(BaseModel):
    """
    Requests, newest first.
    """

    disclosures: list[DisclosureAnswer]


class DisclosureRequest(BaseModel):
    """
    Asks to see more of a record than its visibility shows.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    kind: str
    record_id: str
    access: Literal["摘要", "全文", "联系人"] = "全文"
    """
    摘要: all but texts and persons; 全文: all but persons; 联系人: all
    """
    purpose: str = ""


class DisclosureState(RootModel[Literal["asked", "granted", "denied", "withdrawn"]]):
    root: Literal["asked", "granted", "denied", "withdrawn"]
    """
    Where a request is; an expired grant is no longer one, whatever its row says.
    """


class DispatchRequest(BaseModel):
    """
    Which demands are to be proposed to brokers.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    demand_ids: list[str] | None = None
    """
    Absent: every open demand that nobody works on, the oldest first
    """
    operator: str
    dry_run: bool = False
    """
    Only tell who would get what
    """


class DispatchSummary(BaseModel):
    """
    How dispatching goes.
    """

    median_hours: dict[str, float]
    """
    By state: hours from the step before, the median
    """
    load: list[BrokerLoad]
    overdue: list[AssignmentView]
    """
    The most urgent first
    """
    unplaced: list[str]
    """
    Demands that were refused and that an operator has to place
    """


class DroppedPart(BaseModel):
    """
    What the model proposed and the text does not bear out.
    """

    part: Literal[
        "title",
        "material",
        "method",
        "effect",
        "product",
        "application",
        "figure",
        "exclusion",
        "budget",
    ]
    quote: str
    why: str


class ErasedRecord(BaseModel):
    """
    A record to take a person out of.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    kind: str
    id: str


class ErasureAnswer(BaseModel):
    """
    What was erased.
    """

    records: int
    disclosures: int


class ErasureRequest(BaseModel):
    """
    Which of the records that name the person are meant: others may name somebody of the same name.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    viewer: str = ""
    """
    The person as `Gongxu-Viewer`, if a user of the platform
    """
    records: list[ErasedRecord]


class EvaluationSent(BaseModel):
    """
    One party's evaluation of a provider, on four scales from 1 (poor) to 5 (excellent).
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    token: str
    """
    Sent again with the same token it counts once
    """
    provider: str
    """
    As `provider` or `holder` of records
    """
    evaluator: str
    result: int
    """
    成效
    """
    response: int
    """
    响应
    """
    skill: int
    """
    专业
    """
    conduct: int
    """
    诚信
    """
    at: AwareDatetime


class EvaluationsStored(BaseModel):
    """
    Outcome of a list of evaluations.
    """

    added: int
    known: int


class EventOutcome(BaseModel):
    """
    Outcome of one event.
    """

    index: int
    """
    Its place in the list, from 0
    """
    event_id: str | None
    """
    Its id, if it has one that can be read
    """
    result: Literal["added", "known", "conflicting", "rejected"]


class EventsAnswer(BaseModel):
    """
    Outcomes of the events. All but the rejected ones are on disk: those added now, and those known from before.
    """

    added: int
    known: int
    """
    Their event_id was known with the same content: nothing to do
    """
    conflicting: int
    """
    Their event_id was known with another content: the first one stays
    """
    rejected: int
    """
    They cannot be used; the answer then is a problem with status 422, see `errors`
    """
    results: list[EventOutcome]
    """
    One for each event, in the order in which they were sent
    """


class Evidence(BaseModel):
    """
    What an indicator rests on: words of a record, with the record's kind and id and the field they are from.
    """

    quote: str
    kind: str = "achievement"
    id: str
    field: str


class Fault(BaseModel):
    """
    One thing that is wrong with a request.
    """

    where: str
    """
    Path to the value, such as body.filters.budget, or list.2.kind in a list of events
    """
    message: str


class Figure(BaseModel):
    """
    A number: `value`, or a range from `low` to `high` (either may be open), or nothing if it is unknown.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    source: str = ""
    """
    来源，例如 企业填报、社保、审计报告
    """
    as_of: date | None = None
    """
    该事实对应的日期
    """
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""


class FigureAnswer(BaseModel):
    """
    A required figure as the quantity parser reads it.
    """

    parameter: str | None
    op: Literal["ge", "gt", "le", "lt", "eq", "range", "approx", "increase", "decrease", "times"]
    low: float | None
    """
    Lower bound in `unit`, null without one
    """
    high: float | None
    """
    Upper bound in `unit`, null without one
    """
    unit: str
    """
    As written
    """


class Filters(BaseModel):
    """
    Conditions that all hold for every recommended record; an empty condition allows all.

    A record that does not state the value asked for is left out: a filter is a promise. `BY_FIGURES` speak of pairs: the
    engine applies them to the candidates, by their figures. Figures that are not stated are no misses, and where nothing
    is required nothing is left out.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    fields: list[str] = []
    """
    技术领域, any of
    """
    industries: list[str] = []
    """
    GB/T 4754 codes in any spelling, or names, any of; a code includes all below it (C26 includes 2614)
    """
    regions: list[str] = []
    """
    GB/T 2260 codes, any of; 410000 includes the whole province, 410100 the whole city
    """
    statuses: list[str] = ["发布", "对接中", "发布", "对接中"]
    """
    状态, any of; by default only open records
    """
    budget: float | None = None
    """
    万元: the price asked starts at most here
    """
    trl_at_least: int | None = None
    """
    技术成熟度 at least
    """
    hide_hard_misses: bool = False
    """
    Leave out what clearly misses a figure that the demand requires; what is unknown stays
    """
    share_met_at_least: float | None = None
    """
    Share of the required figures that are met, of those that could be checked
    """
    share_known_at_least: float | None = None
    """
    Share of the required figures that could be checked
    """
    worst_margin_at_least: float | None = None
    """
    How far the worst checked figure may lie outside its bound, as a share of it: -0.1
    """
    as_of: date | None = None
    """
    Day on which a demand's deadline must not have passed; servers take today where none is given
    """
    exclude: list[str] = []
    """
    Ids never to be recommended
    """


class Financing(BaseModel):
    """
    What the firm looks for: amount in 万元, months, and the guarantees that it can give.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    source: str = ""
    """
    来源，例如 企业填报、社保、审计报告
    """
    as_of: date | None = None
    """
    该事实对应的日期
    """
    amount: float | None = None
    term_months: int | None = None
    guarantees: list[str] = []
    """
    可提供的担保方式，例如 信用、知识产权质押、房产抵押
    """


class FindingAnswer(BaseModel):
    """
    What is one step away: by which rule, on which record, with the evidence that it rests on.
    """

    rule: str
    rule_text: str
    text: str
    kind: str
    record_id: str
    evidence: str


class FitAnswer(BaseModel):
    """
    How well a product fits what the firm looks for; null where either side is silent.
    """

    amount: float | None
    """
    Share of the wanted amount that it covers
    """
    term: float | None
    guarantee: bool | None


class Flow(BaseModel):
    """
    Pairs of a supply and a demand by province, and what happened to them.
    """

    supply: str
    """
    GB/T 2260, two digits
    """
    supply_name: str
    demand: str
    demand_name: str
    kind: str
    """
    contact, meeting, negotiation or deal
    """
    pairs: int


class Gap(BaseModel):
    """
    Demand and supply at a term or a chain stage.
    """

    name: str
    demands: int
    achievements: int
    budget: float
    """
    万元
    """
    score: float
    """
    Above 0: more demand than supply would lead one to expect; below: less
    """


class Gaps(BaseModel):
    """
    Where demand and supply part most.
    """

    gaps: list[Gap]


class GivenAnswer(BaseModel):
    """
    An answer to a question about a demand.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    question_id: str
    answer: str
    """
    Words of an option, words or a number of one's own, or 不清楚
    """
    answered_by: str = ""
    """
    Who answered
    """


class GraphPaths(BaseModel):
    """
    Why a demand and an achievement belong together, as paths over shared and related terms.
    """

    paths: list[dict[str, Any]]
    drawing: dict[str, Any]
    """
    Nodes and edges of all paths, ready to be drawn
    """


class HandOverRequest(BaseModel):
    """
    Whose open assignments go to somebody else.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    broker_id: str
    to: str = ""
    """
    Absent: the deputy
    """
    operator: str


class HandledBy(BaseModel):
    """
    Who saw to a notice.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    operator: str


class HomeFigure(BaseModel):
    """
    How much oftener pairs of one province come to an outcome than their share of what was shown would give.
    """

    demand: str
    """
    Province of the demands, GB/T 2260, two digits; empty for all together
    """
    demand_name: str
    kind: str
    """
    contact, with all later steps, or deal
    """
    demands: int
    """
    Demands in whose lists both the own and other provinces were shown
    """
    pairs: int
    """
    Their shown pairs with the outcome
    """
    home_pairs: int
    """
    Of these within the province
    """
    expected: float
    """
    As many would be without a preference
    """
    preference: float
    """
    1: none; drawn towards 1 as by ten expected pairs
    """
    low: float
    """
    95% interval
    """
    high: float


class Indicator(BaseModel):
    """
    One line of a card. Whatever is not unknown has evidence.
    """

    name: str
    label: str
    status: Literal["stated", "estimated", "computed", "warning", "unknown"]
    """
    stated: by the record; estimated: by a model, which abstains where it is unsure; computed: from other records; warning: a risk or a conflict; unknown: nothing was found to say it by
    """
    text: str
    """
    What to show, in Chinese
    """
    value: float | None = None
    """
    The indicator as a number where it is one
    """
    evidence: list[Evidence] = Field([], validate_default=True)


class InlineAchievement(BaseModel):
    """
    An achievement sent along with the request; it need not be stored, nor have an id.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    title: str
    content: str = ""
    keywords: list[str] = []
    field: str = ""
    industries: list[str] = []
    region: str | None = None
    published_at: date | None = None
    updated_at: date | None = None
    extra: dict[str, str] | None = None
    achievement_id: str | None = None
    ipc: list[str] = []
    holder: str = ""
    holder_type: str = ""
    experts: list[str] = []
    stage: str = ""
    trl: int | None = None
    form: str = ""
    transfer_modes: list[str] = []
    price_min: float | None = None
    price_max: float | None = None
    indicators: str = ""
    ip: str = ""
    status: Literal["发布", "对接中", "已转让", "下架", "撤回"] = "发布"
    """
    Whether an achievement can still be had.
    """
    visibility: str = ""


class InlineDemand(BaseModel):
    """
    A demand sent along with the request; it need not be stored, nor have an id.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    title: str
    content: str = ""
    keywords: list[str] = []
    field: str = ""
    industries: list[str] = []
    region: str | None = None
    published_at: date | None = None
    updated_at: date | None = None
    extra: dict[str, str] | None = None
    demand_id: str | None = None
    kpis: str = ""
    enterprise: str = ""
    enterprise_size: str = ""
    enterprise_stage: str = ""
    budget_min: float | None = None
    budget_max: float | None = None
    cooperation_modes: list[str] = []
    trl_min: int | None = None
    deadline: date | None = None
    status: Literal["草稿", "发布", "对接中", "已签约", "已解决", "过期", "撤回"] = "发布"
    """
    Status of a demand.
    """
    visibility: str = ""


class KindField(BaseModel):
    """
    One field of a kind beyond the common ones.
    """

    name: str
    label: str
    type: str
    unit: str = ""
    choices: list[str] = []
    required: bool = False
    filtered: bool = False


class KindOutcome(BaseModel):
    """
    One event of a pair; append-only, `event_id` is the idempotency key.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    event_id: str
    demand_id: str
    record_id: str
    kind: Literal[
        "impression",
        "click",
        "favourite",
        "contact",
        "meeting",
        "negotiation",
        "deal",
        "decline",
        "judgement",
    ]
    """
    What happened to a recommended pair.
    """
    occurred_at: AwareDatetime
    """
    With its offset from UTC
    """


class KindRequirement(BaseModel):
    """
    One requirement of a subject against what a record states.
    """

    field: str
    label: str
    status: Literal["met", "missed", "unknown", "not_comparable"]
    """
    unknown: the record does not state it, never a failure
    """
    text: str
    """
    The verdict in Chinese
    """


class KindSummary(BaseModel):
    """
    A kind of record and how many of them the store holds.
    """

    name: str
    label: str
    role: str
    records: int
    fields: list[KindField] = Field([], validate_default=True)


class LineResult(BaseModel):
    """
    Outcome of one line.
    """

    line: int
    """
    Number of the line, from 1; empty lines count but have no result
    """
    id: str | None
    """
    Id of the record, if the line could be read
    """
    result: str
    """
    stored or rejected
    """
    reason: str = ""
    """
    Why it was rejected
    """


class LinkedNode(BaseModel):
    """
    A node that another depends on or that depends on it, with the share of the dependent one's links.
    """

    node: str
    name: str
    share: float


class MessageView(BaseModel):
    """
    A message, without its content.
    """

    id: str
    endpoint: str
    state: Literal["待发送", "已送达", "已放弃"]
    """
    How far a message has come; the values are what operators read.
    """
    created_at: AwareDatetime
    attempts: int
    next_at: AwareDatetime | None = None
    last_status: int | None = None
    last_error: str = ""
    ended_at: AwareDatetime | None = None


class Model(BaseModel):
    """
    One bundle.
    """

    version: str
    created_at: str
    serving: bool
    """
    Whether this worker serves it now
    """
    achievements: int
    demands: int
    features: int
    """
    Of the ranker; 0 without one
    """
    training_pairs: int
    mlflow_run_id: str


class Models(BaseModel):
    """
    All bundles of this installation, newest first.
    """

    models: list[Model]


class NamedRecord(BaseModel):
    """
    A record that names a person.
    """

    kind: str
    id: str
    fields: list[str]
    """
    Fields that hold the name
    """
    quotes: list[str]
    """
    The words around it
    """
    deleted: bool
    """
    The record is deleted, its text still stored
    """


class NearRecord(BaseModel):
    """
    A record that makes its owner one who could close a node.
    """

    kind: str
    id: str
    title: str
    probability: float | None


class NearestAnswer(BaseModel):
    """
    How near an achievement comes to a requirement that it misses.
    """

    achievement_id: str
    title: str
    quote: str
    margin: float | None
    """
    Share of the bound, below 0
    """


class NeedPart(BaseModel):
    """
    A part of the need and the words that state it.
    """

    part: Literal[
        "title",
        "material",
        "method",
        "effect",
        "product",
        "application",
        "figure",
        "exclusion",
        "budget",
    ]
    title: str
    """
    The part in Chinese
    """
    quote: str
    """
    Verbatim: the characters `start` to `end` of the text
    """
    start: int
    end: int
    by: Literal["rules", "model"]
    """
    Who found it; each was checked by the same rules
    """
    figure: FigureAnswer | None


class NeedText(BaseModel):
    """
    A need in a person's own words.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    text: str


class NeighbourTerm(BaseModel):
    """
    A related term.
    """

    term: str
    relation: str
    strength: float
    """
    0 to 1
    """
    evidence: str


class NoticeView(BaseModel):
    """
    The news of one match, given once.
    """

    number: int
    request_id: str
    kind: str
    record_id: str
    title: str
    score: float
    found_at: AwareDatetime
    handled_at: AwareDatetime | None = None
    handled_by: str = ""


class OptionAnswer(BaseModel):
    """
    A plausible answer.
    """

    answer: str
    probability: float


class OrderCheckView(BaseModel):
    """
    One check of a record: missed, the order is refused; unknown, the record does not say.
    """

    field: str
    label: str
    status: str
    """
    missed, unknown or met
    """
    text: str


class OrderPublished(BaseModel):
    """
    A need for services that becomes an order.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    demand_id: str
    client: str = ""
    """
    Who orders; absent: the firm, or the demand's enterprise
    """
    firm_id: str = ""
    """
    The client's record of kind `firm`, for its vouchers; absent: the firm of that title
    """
    operator: str
    token: str
    """
    Of your choice; sending the same again is harmless
    """
    note: str = ""


class OrderUndo(BaseModel):
    """
    Whose latest step of an order is to be taken back.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    operator: str


class Origin(BaseModel):
    """
    Where a published record comes from.
    """

    source: str
    key: str
    version: int
    deleted: bool


class OriginList(BaseModel):
    """
    All origins of a published record; those that are deleted or beyond a cap too.
    """

    kind: str
    id: str
    origins: list[Origin]


class OutcomeEvent(BaseModel):
    """
    One thing that became of a pair; append-only, `event_id` is the idempotency key.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    event_id: str
    demand_id: str
    achievement_id: str
    kind: Literal[
        "impression",
        "click",
        "favourite",
        "contact",
        "meeting",
        "negotiation",
        "deal",
        "decline",
        "judgement",
    ]
    """
    What happened to a recommended pair.
    """
    occurred_at: AwareDatetime | None = None
    request_id: str = ""
    position: int | None = None
    bundle_version: str = ""
    operator: str = ""
    features_digest: str = ""
    reason: (
        Literal[
            "too_early",
            "benefit_unclear",
            "route_unclear",
            "price",
            "location",
            "already_solved",
            "vague",
            "other",
        ]
        | None
    ) = None
    amount: float | None = None
    level: int | None = None


class OutcomesStored(BaseModel):
    """
    Outcome of a list of events.
    """

    added: int
    known: int
    """
    Stored before with the same content
    """
    conflicting: int
    """
    Stored before with another content, which stays
    """


class PartAnswer(BaseModel):
    """
    One part of a complete demand.
    """

    name: str
    title: str
    stated: bool
    evidence: list[str]
    """
    The demand's own words
    """
    share: float
    """
    Of the score
    """
    advice: str
    """
    What to write, where it is not stated
    """


class PersonAnswer(BaseModel):
    """
    All that is stored of a person.
    """

    name: str
    records: list[NamedRecord]
    disclosures: list[DisclosureAnswer]


class PersonRequest(BaseModel):
    """
    A person, by the name that records state or as the platform's user.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    viewer: str = ""
    """
    The person as `Gongxu-Viewer`, if a user of the platform
    """


class Place(BaseModel):
    """
    Where a quote is in the policy's text.
    """

    field: str
    start: int | None
    end: int | None


class Planned(BaseModel):
    """
    A proposal that was not written.
    """

    demand_id: str
    broker_id: str
    why: dict[str, Any]


class PointIndicatorAnswer(BaseModel):
    """
    One indicator of 创新积分制: its value in words and the facts that it rests on, or what is missing for it.
    """

    group: str
    label: str
    value: str | None
    """
    Null where something is missing
    """
    rests_on: list[str]
    missing: list[str]


class Problem(BaseModel):
    """
    RFC 9457 problem details.
    """

    type: str
    title: str
    title_en: str
    status: int
    detail: str
    """
    In Chinese
    """
    instance: str
    """
    Path of the request
    """
    request_id: str
    errors: list[Fault] | None = None
    """
    What is wrong with the request, value by value
    """
    nearest_ids: list[str] | None = None
    """
    Existing ids that look like the one asked for
    """
    added: int | None = None
    """
    Of a list of events: how many of the others were added, see `results`
    """
    known: int | None = None
    conflicting: int | None = None
    rejected: int | None = None
    results: list[dict[str, Any]] | None = None
    """
    Of a list of events: the outcome of each
    """


class Qualification(BaseModel):
    """
    A qualification or honour, with its days of validity (both included) where known.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    source: str = ""
    """
    来源，例如 企业填报、社保、审计报告
    """
    as_of: date | None = None
    """
    该事实对应的日期
    """
    name: str
    valid_from: date | None = None
    valid_until: date | None = None


class QualityStep(BaseModel):
    """
    A step of a provider or record.
    """

    subject: str
    """
    provider or record
    """
    kind: str
    """
    Of a record; empty for a provider
    """
    name: str
    """
    The provider's name, or the record's id
    """
    state: str
    rule: str
    rule_text: str
    at: AwareDatetime
    by: str
    notice: str
    """
    What is said to the provider, or the reason given
    """
    action: str
    """
    step, appeal, rejected, returned or confirmed
    """


class QuestionAnswer(BaseModel):
    """
    A question worth asking: options to click, or with `entry` something to enter.
    """

    question_id: str
    kind: str
    """
    element, sense, threshold or limit
    """
    text: str
    options: list[OptionAnswer]
    entry: str
    """
    What may be entered instead: text, a unit, or empty for options only
    """
    value: float
    """
    Expected gain of the top ten, as a share of ten perfect matches
    """
    expected_changes: float
    """
    How many of the top ten are expected to change
    """


class Quiet(BaseModel):
    """
    A span of the day in China in which no webhook is sent; it may reach over midnight.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    begin: time
    end: time


class Quote(BaseModel):
    """
    What a text says, where: `start` and `end` count characters of the record's `field`, `end` excluded.
    """

    text: str
    field: str
    """
    title, content, kpis or indicators; keywords (joined by ；) where answers to questions are kept
    """
    start: int
    end: int


class Reason(BaseModel):
    """
    One cause of a match's place, from what the ranker really used.
    """

    kind: Literal["semantic", "terms", "concepts", "graph", "history", "attributes", "caution"]
    text: str
    weight: float
    evidence: dict[str, str | float | list[str]] | None = None


class RecordName(BaseModel):
    """
    A stored record of a declared kind.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    kind: str
    id: str


class RejectedBundle(BaseModel):
    """
    A bundle that could not be loaded.
    """

    version: str
    reason: str
    at: str


class RejectedRecord(BaseModel):
    """
    A version that could not be read.
    """

    key: str
    version: int
    reason: str


class Reload(BaseModel):
    """
    Which bundle shall serve.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    version: str | None = None
    """
    A version; null: load the current one again
    """


class Reloaded(BaseModel):
    """
    What serves after a reload.
    """

    bundle_version: str


class RequestFilters(BaseModel):
    """
    Conditions that all hold for every recommended record; an empty condition allows all.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    fields: list[str] = []
    """
    技术领域, any of
    """
    industries: list[str] = []
    """
    GB/T 4754 codes in any spelling, or names, any of; a code includes all below it (C26 includes 2614)
    """
    regions: list[str] = []
    """
    GB/T 2260 codes, any of; 410000 includes the whole province, 410100 the whole city
    """
    statuses: list[str] = ["发布", "对接中", "发布", "对接中"]
    """
    状态, any of; by default only open records
    """
    budget: float | None = None
    """
    万元: the price asked starts at most here
    """
    trl_at_least: int | None = None
    """
    技术成熟度 at least
    """
    hide_hard_misses: bool = False
    """
    Leave out what clearly misses a figure that the demand requires; what is unknown stays
    """
    share_met_at_least: float | None = None
    """
    Share of the required figures that are met, of those that could be checked
    """
    share_known_at_least: float | None = None
    """
    Share of the required figures that could be checked
    """
    worst_margin_at_least: float | None = None
    """
    How far the worst checked figure may lie outside its bound, as a share of it: -0.1
    """
    as_of: date | None = None
    """
    Day on which a demand's deadline must not have passed; servers take today where none is given
    """
    exclude: list[str] = []
    """
    Ids never to be recommended
    """


class RequirementCheck(BaseModel):
    """
    One requirement of a demand against what an achievement says of itself.
    """

    parameter: str | None
    """
    What is measured, in the demand's words; null if it names nothing
    """
    status: Literal["met", "missed", "unknown", "not_comparable"]
    """
    unknown: nothing said that decides, never a failure; not_comparable: said in another dimension
    """
    text: str
    """
    The verdict in one Chinese sentence
    """
    brief: str
    """
    The verdict in figures, short enough for a label: 含水率 33% ≤ 40%
    """
    required: Quote
    offered: Quote | None
    """
    The statement that decides; null if nothing was said
    """
    unit: str
    """
    Unit that required_low to offered_high are in: SI base units where known
    """
    required_low: float | None
    required_high: float | None
    offered_low: float | None
    offered_high: float | None
    margin: float | None
    """
    How far inside (positive) or outside the bound, as a share of it; null unless met or missed
    """
    confidence: float
    """
    That both measure the same parameter
    """


class RequirementsAnswer(BaseModel):
    """
    A demand's figures against what one achievement says of itself, missed ones first.
    """

    demand_id: str
    achievement_id: str
    bundle_version: str
    text: str
    """
    The outcome of all checks in one Chinese sentence; empty without required figures
    """
    requirements: list[RequirementCheck]


class ReviewRequest(BaseModel):
    """
    A review of all providers and records.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    dry_run: bool = False
    """
    Say what would be done, do nothing
    """
    as_of: AwareDatetime | None = None
    """
    Another moment than now, with `dry_run` only
    """


class Right(BaseModel):
    """
    A number of rights of one type in one state; `valid` counts among the granted.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    source: str = ""
    """
    来源，例如 企业填报、社保、审计报告
    """
    as_of: date | None = None
    """
    该事实对应的日期
    """
    type: Literal[
        "invention",
        "utility_model",
        "design",
        "software",
        "ic_layout",
        "trademark",
        "plant_variety",
        "copyright",
        "other",
    ]
    state: Literal["applied", "granted", "valid", "expired"] = "granted"
    count: int


class SaltedText(BaseModel):
    """
    Part of an entry: SHA-256 of the salt's bytes and the text is among the entry's `parts`; null once erased.
    """

    digest: str
    salt: str | None
    text: str | None
    """
    Canonical JSON
    """


class ScaleRating(BaseModel):
    """
    One scale: mean drawn towards that of all providers, with its 95% interval.
    """

    scale: str
    label: str
    mean: float
    low: float
    high: float


class Scores(BaseModel):
    """
    An evaluation on four scales from 1 (poor) to 5 (excellent).
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    result: int
    """
    成效
    """
    response: int
    """
    响应
    """
    skill: int
    """
    专业
    """
    conduct: int
    """
    诚信
    """


class SentRecord(BaseModel):
    """
    One version of a record at its source.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    key: str
    """
    Its id at the source
    """
    kind: str
    version: int
    """
    Grows with each change; of equal ones the greater digest counts
    """
    changed_at: AwareDatetime | None = None
    deleted: bool = False
    record: dict[str, Any] | None = None
    """
    As `PUT` takes it, without an id; null if deleted
    """


class SentenceAnswer(BaseModel):
    """
    Why a pair matches, in one sentence.
    """

    demand_id: str
    achievement_id: str
    bundle_version: str
    text: str
    """
    In Chinese, ready to be shown; mark it where `ai_generated` is true
    """
    ai_generated: bool
    """
    Whether a model worded it (GB 45438-2025); otherwise the template did
    """
    model: str | None
    """
    The model that worded it
    """
    refused: str
    """
    Why a model's sentence was not shown; empty if none was refused
    """
    lacks: list[Literal["chat"]]
    """
    chat: none is configured, or it gave no usable answer in time
    """


class SharedGapAnswer(BaseModel):
    """
    A demand of somebody else with the same gap.
    """

    demand_id: str
    title: str
    enterprise: str
    shared: list[str]


class SiblingHash(BaseModel):
    """
    A sibling on the way from the entry's leaf to the day's root.
    """

    digest: str
    left: bool


class SimilarRecord(BaseModel):
    """
    A record of the same side whose text is near.
    """

    id: str
    title: str
    owner: str
    """
    Holder of the achievement, or enterprise of the demand
    """
    region: str | None
    """
    GB/T 2260 six-digit code
    """
    status: str
    similarity: float
    """
    Cosine of the full texts
    """


class SourceAnswer(BaseModel):
    """
    A source and how far it has come.
    """

    id: str
    name: str
    region: str | None
    visibility: str
    cap: int | None
    priority: int
    cursor: int
    live: int
    published: int
    """
    Live keys within the cap
    """
    deleted: int
    rejected: int
    """
    Keys whose newest version could not be read
    """
    received_at: AwareDatetime | None
    changed_at: AwareDatetime | None
    """
    Latest change at the source that was received
    """
    lag_seconds: float | None
    """
    Between that change and the moment it was received with the last batch
    """
    silent_seconds: float | None
    """
    Since the last batch
    """


class SourceList(BaseModel):
    """
    All sources, by id.
    """

    sources: list[SourceAnswer]


class SourceSettings(BaseModel):
    """
    What the operator of the pool sets of a source.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    name: str
    region: str | None = None
    """
    GB/T 2260
    """
    visibility: Literal["公开", "摘要公开", "授权", "保密"] = "公开"
    """
    Its records are shown at most as this says
    """
    cap: int | None = None
    """
    Keys that are published at most, the first by order
    """
    priority: int = 100
    """
    Of records of the same thing the lowest counts
    """


class Sourced(BaseModel):
    """
    Where a fact comes from and the day that it describes.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    source: str = ""
    """
    来源，例如 企业填报、社保、审计报告
    """
    as_of: date | None = None
    """
    该事实对应的日期
    """


class StandingFor(BaseModel):
    """
    Whose text is matched: exactly one of a saved text, a stored demand, achievement, firm, or record of another kind.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    text: str | None = None
    demand_id: str | None = None
    achievement_id: str | None = None
    firm_id: str | None = None
    """
    By what the firm does
    """
    record: RecordName | None = None
    """
    An expert, an institution, a service … by what it offers
    """


class StandingView(BaseModel):
    """
    A standing request as it is.
    """

    id: str
    for_: StandingFor = Field(..., alias="for")
    kinds: list[str]
    least: float
    filters: Filters
    conditions: dict[str, str | int | float | bool | list[str]]
    endpoint: str
    digest: Literal["at_once", "daily", "weekly"]
    """
    How often news are sent: as they come, or together in the morning of a day or of a Monday (China).
    """
    quiet_hours: Quiet | None
    valid_until: date | None
    state: Literal["有效", "已退订", "已到期", "主体已失效"]
    """
    Whether a standing request still watches; the values are what operators read.
    """
    created_at: AwareDatetime
    ended_at: AwareDatetime | None
    settled: bool
    """
    Whether it was matched with all records that there were
    """


class Statement(BaseModel):
    """
    Yes, no, or unknown.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    source: str = ""
    """
    来源，例如 企业填报、社保、审计报告
    """
    as_of: date | None = None
    """
    该事实对应的日期
    """
    value: bool | None = None


class StepEntry(BaseModel):
    """
    One step of an assignment's history.
    """

    state: Literal[
        "已派单",
        "已接单",
        "已拒单",
        "超时未应答",
        "已联系",
        "已走访",
        "已办结",
        "已评价",
        "已转交",
    ]
    """
    How far an assignment has come; the values are what operators read.
    """
    by: str
    at: AwareDatetime
    value: str = ""
    note: str = ""


class StepList(BaseModel):
    """
    Steps, the latest of each subject or those of a review.
    """

    steps: list[QualityStep]


class StepRequest(BaseModel):
    """
    A step of an assignment.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    state: Literal[
        "已派单",
        "已接单",
        "已拒单",
        "超时未应答",
        "已联系",
        "已走访",
        "已办结",
        "已评价",
        "已转交",
    ]
    """
    How far an assignment has come; the values are what operators read.
    """
    operator: str
    token: str
    """
    Of your choice; sending the same again is harmless
    """
    value: str = ""
    """
    已拒单: the reason; 已办结: 成交 or 未成交; 已评价: 1 to 5
    """
    note: str = ""
    seen: (
        Literal[
            "已派单",
            "已接单",
            "已拒单",
            "超时未应答",
            "已联系",
            "已走访",
            "已办结",
            "已评价",
            "已转交",
        ]
        | None
    ) = None
    """
    State as you saw it; guards against overwriting
    """


class StructuredAnswer(BaseModel):
    """
    A need as a demand that can be written with `PUT /v1/demands/{id}` once it has an id.
    """

    demand: InlineDemand
    parts: list[NeedPart]
    dropped: list[DroppedPart]
    ai_generated: bool
    """
    Whether a model found any of the parts (GB 45438-2025)
    """
    model: str | None
    """
    The model that was asked and answered
    """
    lacks: list[Literal["chat"]]
    """
    chat: none is configured, or it gave no usable answer in time
    """


class Term(BaseModel):
    """
    A term with its neighbours, strongest first.
    """

    term: str
    type: str
    achievements: int
    """
    Achievements that hold it
    """
    demands: int
    stages: list[str]
    """
    Stages of industry chains it belongs to
    """
    neighbours: list[NeighbourTerm]


class UndoRequest(BaseModel):
    """
    Whose latest action on a match is to be taken back.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    demand_id: str
    achievement_id: str
    operator: str


class UnknownFact(BaseModel):
    """
    A fact of the form of which nothing is known.
    """

    field: str
    label: str


class UnmetAnswer(BaseModel):
    """
    A requirement that no candidate is known to meet.
    """

    requirement: str
    missed: int
    unknown: int
    nearest: list[NearestAnswer]


class Verdict(BaseModel):
    """
    Whether a list is good enough: the best candidate's probability against a threshold.
    """

    answered: bool
    probability: float | None
    """
    Of the best candidate; null without candidates or calibration
    """
    threshold: float | None
    """
    Least probability that is good enough; null without calibration
    """
    basis: Literal["calibrated", "average", "none"]
    """
    calibrated: at the target risk on what the ranker was trained on; average: the bundle has no such threshold, so the average judged pair is the measure; none: nothing to measure by
    """
    text: str
    """
    In Chinese, ready to be shown
    """
    measure: str
    """
    What the threshold represents, in Chinese
    """


class WebhookAsk(BaseModel):
    """
    Where messages are sent.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    url: str
    """
    https; private hosts only if the server lists them
    """
    secret: str | None = None
    """
    whsec_ and 24 to 64 bytes in Base64; absent: one is made, or the old one stays
    """


class WebhookView(BaseModel):
    """
    A webhook as it is.
    """

    name: str
    url: str
    enabled: bool
    why_disabled: str = ""
    created_at: AwareDatetime
    secret: str | None = None
    """
    Shown when it is made, never again
    """


class Words(BaseModel):
    """
    A text or several; `complete` tells that there are no others.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    source: str = ""
    """
    来源，例如 企业填报、社保、审计报告
    """
    as_of: date | None = None
    """
    该事实对应的日期
    """
    values: list[str] = []
    complete: bool = False


class Work(BaseModel):
    """
    State of a match.
    """

    demand_id: str
    achievement_id: str
    state: Literal["新", "已推送", "已联系", "会面", "洽谈", "成交", "不合适"]
    """
    How far a match has come; the values are what operators read.
    """
    reason: (
        Literal[
            "too_early",
            "benefit_unclear",
            "route_unclear",
            "price",
            "location",
            "already_solved",
            "vague",
            "other",
        ]
        | None
    ) = None
    assignee: str = ""
    next_date: date | None = None
    shortlisted: bool = False
    note: str = ""
    changed_at: AwareDatetime | None = None
    changed_by: str = ""
    last: int = 0
    """
    Number of the latest action; send it as `seen`
    """
    moves: list[Literal["新", "已推送", "已联系", "会面", "洽谈", "成交", "不合适"]] = []
    """
    States that the match can go to from here
    """


class WorkList(BaseModel):
    """
    Matches that were worked on, the latest change first.
    """

    matches: list[Work]


class Written(BaseModel):
    """
    Outcome of a record; it is on disk and will be found within a second.
    """

    id: str
    result: Literal["inserted", "updated", "unchanged"]


class Achievement(BaseModel):
    """
    A technology achievement 科技成果: what a university, institute or firm offers.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    title: str
    content: str = ""
    keywords: list[str] = []
    field: str = ""
    industries: list[str] = []
    region: str | None = None
    published_at: date | None = None
    updated_at: date | None = None
    extra: dict[str, str] | None = None
    achievement_id: str
    ipc: list[str] = []
    holder: str = ""
    holder_type: str = ""
    experts: list[str] = []
    stage: str = ""
    trl: int | None = None
    form: str = ""
    transfer_modes: list[str] = []
    price_min: float | None = None
    price_max: float | None = None
    indicators: str = ""
    ip: str = ""
    status: Literal["发布", "对接中", "已转让", "下架", "撤回"] = "发布"
    """
    Whether an achievement can still be had.
    """
    visibility: str = ""


class AchievementsPage(BaseModel):
    """
    Achievements, ordered by id.
    """

    next_cursor: str = ""
    """
    Send it as `cursor` for the next page; empty: this is the last one
    """
    items: list[Achievement]


class AchievementsRequest(BaseModel):
    """
    Asks for achievements that answer a demand, named in exactly one of three ways.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    top_k: int = 10
    """
    How many records at most
    """
    filters: RequestFilters = Field(
        {
            "fields": [],
            "industries": [],
            "regions": [],
            "statuses": ["发布", "对接中", "发布", "对接中"],
            "hide_hard_misses": False,
            "exclude": [],
        },
        validate_default=True,
    )
    explain: Literal["none", "brief", "full"] = "none"
    """
    none: no reasons; brief: the reasons in favour, as text; full: all reasons with their evidence. Reasons cost several times the ranking itself: ask for them where they are shown
    """
    diversity: Literal["none", "balanced", "high"] = "balanced"
    """
    How much of the list one holder or firm may have. none: any number; balanced: at most 30%, but two; high: one place. Where too few others exist the list is filled all the same. Equal texts are shown once
    """
    personalised: bool = True
    """
    false: earlier outcomes play no part in the order, and what is shown is not recorded (for people who decline personalised recommendation)
    """
    demand_id: str | None = None
    """
    A stored demand
    """
    demand: InlineDemand | None = None
    """
    A demand sent along
    """
    text: str | None = None
    """
    A demand in free text
    """
    gaps: bool = False
    """
    Where no match is good enough, add the gap report, which costs as much as the list itself; without it the answer says where the report is
    """


class ActionEntry(BaseModel):
    """
    One action of a match's history.
    """

    number: int
    kind: Literal["move", "assign", "note", "next_date", "shortlist"]
    """
    What an operator or the platform can do with a match.
    """
    value: str
    operator: str
    at: AwareDatetime
    reason: (
        Literal[
            "too_early",
            "benefit_unclear",
            "route_unclear",
            "price",
            "location",
            "already_solved",
            "vague",
            "other",
        ]
        | None
    ) = None
    note: str = ""
    undone_at: AwareDatetime | None = None


class ActionRequest(BaseModel):
    """
    One thing done with a match.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    demand_id: str
    achievement_id: str
    kind: Literal["move", "assign", "note", "next_date", "shortlist"] = "move"
    """
    What an operator or the platform can do with a match.
    """
    value: str
    """
    A state, a person, a note, an ISO day, or 1
    """
    operator: str
    token: str
    """
    Of your choice; sending the same again is harmless
    """
    reason: (
        Literal[
            "too_early",
            "benefit_unclear",
            "route_unclear",
            "price",
            "location",
            "already_solved",
            "vague",
            "other",
        ]
        | None
    ) = None
    """
    Why it came to nothing, with 不合适
    """
    note: str = ""
    seen: int | None = None
    """
    `last` of the match as you saw it; guards against overwriting
    """


class AdviceAnswer(BaseModel):
    """
    What would lift an achievement, the greatest lift first.
    """

    achievement_id: str
    bundle_version: str
    demands: int
    """
    How many demands were looked at
    """
    advice: list[AdviceItem]


class AssignmentHistory(BaseModel):
    """
    An assignment and the steps since its proposal, oldest first.
    """

    assignment: AssignmentView
    steps: list[StepEntry]


class AssignmentList(BaseModel):
    """
    Assignments, the latest change first.
    """

    assignments: list[AssignmentView]


class Batch(BaseModel):
    """
    What changed at a source, in any order; sent again it changes nothing.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    cursor: int
    """
    Where the source is after this batch; the highest is kept
    """
    records: list[SentRecord]


class BatchTaken(BaseModel):
    """
    Outcome of a batch; all of it is on disk and published.
    """

    cursor: int
    changed: int
    """
    Keys of which this was the newest version
    """
    rejected: list[RejectedRecord]


class Bottleneck(BaseModel):
    """
    A bottleneck with its records, the newest supplies first; at most 50 of each.
    """

    node: ChainNodeAnswer
    demands: list[ChainRecord]
    supplies: list[ChainRecord]


class BottleneckAnswer(BaseModel):
    """
    The bottlenecks of a chain, the greatest shortage first.
    """

    chain: str
    name: str
    bundle_version: str
    total: int
    bottlenecks: list[Bottleneck]


class BulkAnswer(BaseModel):
    """
    Outcome of an upload. Lines reported as stored are on disk.
    """

    inserted: int
    updated: int
    unchanged: int
    rejected: int
    lines: list[LineResult]


class Bundle(BaseModel):
    """
    One solution of several parts.
    """

    parts: list[BundlePart]
    value: float
    """
    Utilities less cost, way and handovers: what bundles are ordered by
    """
    cost: float
    """
    万元, of the parts that state one
    """
    days: float
    """
    Of the longest part that states them: parts run side by side
    """
    owners: int
    binding: str | None = None
    """
    The limit that keeps a better bundle out; null: none alone does
    """
    relaxation: BundleRelaxation | None = None


class BundlesAnswer(BaseModel):
    """
    At most three different bundles, best first, or why there is none.
    """

    bundles: list[Bundle] = Field([], validate_default=True)
    message: str = ""
    impossible_roles: list[str] = []
    """
    Roles that nobody fills, or without which there would be a bundle
    """
    relaxation: BundleRelaxation | None = None
    """
    What would make a bundle possible
    """
    candidates: dict[str, int] | None = None
    """
    How many candidates each role had
    """


class CandidateView(BaseModel):
    """
    A record of the short list.
    """

    kind: str
    record_id: str
    title: str
    """
    Empty if the record was deleted
    """
    provider: str
    declined: bool
    checks: list[OrderCheckView] = Field([], validate_default=True)
    """
    As of now; in lists of orders left out
    """


class Card(BaseModel):
    """
    One card.
    """

    name: Literal["maturity", "market", "risk"]
    label: str
    indicators: list[Indicator]


class ChainAnswer(BaseModel):
    """
    A chain with the figures of all its nodes, in the order of its file.
    """

    chain: str
    name: str
    bundle_version: str
    demands_unplaced: int
    """
    Open demands that are on no node
    """
    supplies_unplaced: int
    nodes: list[ChainNodeAnswer]


class ChainList(BaseModel):
    """
    All chains, by id.
    """

    chains: list[ChainSummary]


class Clarification(BaseModel):
    """
    One answer: who gave it, when, to which question in which words, and what it changes.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    demand_id: str
    """
    Empty where the demand exists in a request only
    """
    question_id: str
    question: str
    """
    The question as it was asked
    """
    answer: str
    """
    The answer as it was shown, or the number as it was entered
    """
    changes: Clarified = Field({"keywords": [], "cooperation_modes": []}, validate_default=True)
    actor: str = ""
    """
    Who answered
    """
    answered_at: AwareDatetime
    request_id: str = ""


class CompletenessAnswer(BaseModel):
    """
    How complete a demand is.
    """

    score: float
    answered_probability: float
    """
    How often demands like it were answered
    """
    base_rate: float
    text: str
    """
    In Chinese, ready to be shown
    """
    parts: list[PartAnswer]


class CompositeAnswer(BaseModel):
    """
    Few achievements that together cover a demand, and what remains.
    """

    parts: list[CompositePart]
    covered: float
    remaining: list[str]
    remaining_elements: list[str]


class CriterionAnswer(BaseModel):
    """
    A criterion with its status, quote, and the facts that it rests on.
    """

    number: int
    kind: Literal["hard", "judgement"]
    role: Literal["requirement", "preference", "definition"]
    """
    A preference and a definition decide nothing
    """
    branch: str
    status: Literal["met", "missed", "unknown"]
    status_text: str
    quote: str
    place: Place
    facts: list[str]
    unknown: list[str]
    """
    Names of the facts that are not known
    """


class Demand(BaseModel):
    """
    A technology demand 技术需求: what a firm needs solved.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    title: str
    content: str = ""
    keywords: list[str] = []
    field: str = ""
    industries: list[str] = []
    region: str | None = None
    published_at: date | None = None
    updated_at: date | None = None
    extra: dict[str, str] | None = None
    demand_id: str
    kpis: str = ""
    enterprise: str = ""
    enterprise_size: str = ""
    enterprise_stage: str = ""
    budget_min: float | None = None
    budget_max: float | None = None
    cooperation_modes: list[str] = []
    trl_min: int | None = None
    deadline: date | None = None
    status: Literal["草稿", "发布", "对接中", "已签约", "已解决", "过期", "撤回"] = "发布"
    """
    Status of a demand.
    """
    visibility: str = ""


class DemandsPage(BaseModel):
    """
    Demands with what was answered about them, ordered by id.
    """

    next_cursor: str = ""
    """
    Send it as `cursor` for the next page; empty: this is the last one
    """
    items: list[Demand]


class DemandsRequest(BaseModel):
    """
    Asks for demands that an achievement answers, named in exactly one of three ways.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    top_k: int = 10
    """
    How many records at most
    """
    filters: RequestFilters = Field(
        {
            "fields": [],
            "industries": [],
            "regions": [],
            "statuses": ["发布", "对接中", "发布", "对接中"],
            "hide_hard_misses": False,
            "exclude": [],
        },
        validate_default=True,
    )
    explain: Literal["none", "brief", "full"] = "none"
    """
    none: no reasons; brief: the reasons in favour, as text; full: all reasons with their evidence. Reasons cost several times the ranking itself: ask for them where they are shown
    """
    diversity: Literal["none", "balanced", "high"] = "balanced"
    """
    How much of the list one holder or firm may have. none: any number; balanced: at most 30%, but two; high: one place. Where too few others exist the list is filled all the same. Equal texts are shown once
    """
    personalised: bool = True
    """
    false: earlier outcomes play no part in the order, and what is shown is not recorded (for people who decline personalised recommendation)
    """
    achievement_id: str | None = None
    """
    A stored achievement
    """
    achievement: InlineAchievement | None = None
    """
    An achievement sent along
    """
    text: str | None = None
    """
    An achievement in free text
    """


class DispatchAnswer(BaseModel):
    """
    What a dispatch came to.
    """

    assignments: list[AssignmentView]
    planned: list[Planned]
    """
    With `dry_run`: what would be proposed
    """
    left: list[str]
    """
    Demands that nobody can take now, or that somebody has already
    """


class EventsPage(BaseModel):
    """
    Events of one record: undated judgements first, then by moment.
    """

    next_cursor: str = ""
    """
    Send it as `cursor` for the next page; empty: this is the last one
    """
    items: list[OutcomeEvent]


class EvidenceEntry(BaseModel):
    """
    An entry about the record, and what proves it.
    """

    number: int
    at: str
    """
    When it happened
    """
    action: str
    """
    shown, exported, asked, granted, denied, withdrawn or person
    """
    day: str
    """
    China's calendar day on which it was chained
    """
    entry: str
    """
    The entry as canonical JSON (RFC 8785); its SHA-256 is `digest`
    """
    digest: str
    said: SaltedText
    """
    What the entry says of this record
    """
    who: SaltedText
    """
    Key, viewer, request
    """
    root: str
    """
    Root of the day's Merkle tree (RFC 6962), whose leaves are the entries' digests
    """
    path: list[SiblingHash]
    published: bool
    """
    The root was written outside the store, and is the same there
    """


class Feed(BaseModel):
    """
    Notices in the order in which they were found.
    """

    matches: list[NoticeView]
    next_cursor: int
    """
    Send it as `cursor`; it stays the same while nothing is new
    """


class FirmDiagnosis(BaseModel):
    """
    What is one step away for a firm, and the public indicators that its facts tell; never a score.
    """

    firm_id: str
    as_of: date
    findings: list[FindingAnswer]
    """
    Every line with record, rule and evidence
    """
    points: list[PointIndicatorAnswer]
    points_source: str


class FirmFacts(BaseModel):
    """
    All that is known of a firm. `other` holds facts under the names that criteria give them.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    firm_id: str = ""
    name: str = ""
    legal_person: Statement = Field({"source": ""}, validate_default=True)
    enterprise_type: Words = Field({"source": "", "values": [], "complete": False}, validate_default=True)
    region: str | None = None
    """
    注册地行政区划代码（GB/T 2260）
    """
    zone: Words = Field({"source": "", "values": [], "complete": False}, validate_default=True)
    founded_on: date | None = None
    origins: dict[Literal["name", "region", "founded_on"], Sourced] | None = None
    """
    名称、注册地、成立日期的来源与日期
    """
    industry: Words = Field({"source": "", "values": [], "complete": False}, validate_default=True)
    business: Words = Field({"source": "", "values": [], "complete": False}, validate_default=True)
    staff: Figure = Field({"source": "", "unit": ""}, validate_default=True)
    rd_staff: Figure = Field({"source": "", "unit": ""}, validate_default=True)
    registered_capital: Figure = Field({"source": "", "unit": ""}, validate_default=True)
    total_assets: Figure = Field({"source": "", "unit": ""}, validate_default=True)
    net_assets: Figure = Field({"source": "", "unit": ""}, validate_default=True)
    sales: dict[str, Figure] | None = Field(None, max_length=30)
    """
    各年度营业（销售）收入，万元
    """
    rd_cost: dict[str, Figure] | None = Field(None, max_length=30)
    """
    各年度研发费用，万元
    """
    profit: dict[str, Figure] | None = Field(None, max_length=30)
    """
    各年度利润，万元
    """
    tax: dict[str, Figure] | None = Field(None, max_length=30)
    """
    各年度纳税额，万元
    """
    export: dict[str, Figure] | None = Field(None, max_length=30)
    """
    各年度出口额，万元
    """
    rights: list[Right] = Field([], validate_default=True)
    rights_complete: bool = False
    """
    true 表示没有列出的知识产权就是没有
    """
    qualifications: list[Qualification] = Field([], validate_default=True)
    qualifications_complete: bool = False
    """
    true 表示没有列出的资质就是没有
    """
    credit_records: Figure = Field({"source": "", "unit": ""}, validate_default=True)
    """
    违法违规、失信、行政处罚等记录条数，0 表示没有
    """
    financing: Financing = Field({"source": "", "guarantees": []}, validate_default=True)
    other: dict[str, Figure | Statement | Words] | None = Field(None, max_length=500)
    """
    其他事实：名称与条件中的一致
    """


class Flows(BaseModel):
    """
    Flows between provinces, and the preference for the own one.
    """

    flows: list[Flow]
    home: list[HomeFigure] = Field([], validate_default=True)
    """
    All together and by province, where asked for
    """


class GapAnswer(BaseModel):
    """
    The gap report of a stored demand.
    """

    verdict: Verdict
    requirements: list[UnmetAnswer]
    composite: CompositeAnswer
    developers: list[DeveloperAnswer]
    shared: list[SharedGapAnswer]
    text: str
    """
    The whole in Chinese, ready to be shown
    """
    demand_id: str
    bundle_version: str


class GapReportAnswer(BaseModel):
    """
    What is missing for a demand, and who could bring it about.
    """

    verdict: Verdict
    requirements: list[UnmetAnswer]
    composite: CompositeAnswer
    developers: list[DeveloperAnswer]
    shared: list[SharedGapAnswer]
    text: str
    """
    The whole in Chinese, ready to be shown
    """


class History(BaseModel):
    """
    State of a match, and all that was done with it.
    """

    match: Work
    actions: list[ActionEntry]


class KindItem(BaseModel):
    """
    One record of a kind in a list.
    """

    rank: int
    id: str
    title: str
    provider: str = ""
    region: str | None = None
    kilometres: int | None = None
    """
    Between the cities of subject and record; null where one of them is not known
    """
    attributes: dict[str, str | int | float | bool | list[str]] | None = None
    probability: float | None = None
    """
    Null as long as the kind has too few outcomes to learn from
    """
    score: float
    """
    Prior: how many deviations above a reference record the texts are alike
    """
    reasons: list[str] = []
    requirements: list[KindRequirement] = Field([], validate_default=True)
    """
    Requirements sent along, and those that the demand states: what is missed first
    """


class KindList(BaseModel):
    """
    All kinds that this server knows.
    """

    kinds: list[KindSummary]


class KindRecord(BaseModel):
    """
    One record of a declared kind. `attributes` holds the kind's own fields, days as ISO text, only those that are set.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    kind: str
    id: str
    title: str
    content: str = ""
    keywords: list[str] = []
    provider: str = ""
    region: str | None = None
    field: str = ""
    industries: list[str] = []
    published_at: date | None = None
    valid_until: date | None = None
    status: Literal["有效", "暂停", "撤回"] = "有效"
    """
    Whether a record is offered.
    """
    visibility: Literal["公开", "摘要公开", "授权", "保密"] = "公开"
    source: str = ""
    attributes: dict[str, str | int | float | bool | list[str]] | None = None
    extra: dict[str, str] | None = None


class Match(BaseModel):
    """
    One recommended record.
    """

    rank: int
    """
    Place in the list, from 1
    """
    id: str
    """
    achievement_id or demand_id of the recommended record
    """
    title: str
    owner: str
    """
    Holder of the achievement, or enterprise of the demand
    """
    region: str | None
    """
    GB/T 2260 six-digit code
    """
    status: str
    probability: float | None
    """
    Calibrated probability of a good match; null without a ranker
    """
    deal_probability: float | None = None
    """
    Calibrated probability of a deal once shown; null until enough deals are known
    """
    grade: int | None
    """
    Grade 0-4, rises with `score`; null without a ranker
    """
    score: float
    """
    What the list is ordered by, comparable within one answer
    """
    channels: list[str]
    """
    Candidate channels that proposed it: dense, lexical, history, graph
    """
    reasons: list[Reason] | None = None
    """
    Filled when asked for
    """
    requirements: list[RequirementCheck] | None = None
    """
    The demand's figures against what the achievement says of itself; filled with the reasons
    """
    requirements_text: str = ""
    """
    What the checks of all requirements come to, in Chinese
    """


class MessageList(BaseModel):
    """
    Messages, the latest first.
    """

    messages: list[MessageView]


class NearHolder(BaseModel):
    """
    A holder whose achievements are nearest to a node and its demands.
    """

    name: str
    present: bool
    """
    Whether it already has a supply on the node
    """
    records: list[NearRecord]


class NextStep(BaseModel):
    """
    What can be done with an order now.
    """

    action: Literal[
        "publish",
        "shortlist",
        "order",
        "accept",
        "decline",
        "deliver",
        "evaluate",
        "withdraw",
    ]
    """
    What a party does.
    """
    party: Literal["client", "provider"]
    """
    Who orders, and who provides the service.
    """


class OrderStepEntry(BaseModel):
    """
    One step of an order's history.
    """

    number: int
    demand_id: str
    """
    As of the order: whoever must not see the demand sees no notes either
    """
    action: Literal[
        "publish",
        "shortlist",
        "order",
        "accept",
        "decline",
        "deliver",
        "evaluate",
        "withdraw",
    ]
    """
    What a party does.
    """
    party: Literal["client", "provider"]
    """
    Who orders, and who provides the service.
    """
    by: str
    at: AwareDatetime
    kind: str
    record_id: str
    provider: str
    voucher: str
    reason: str
    scores: dict[str, int] | None
    note: str
    undone_at: AwareDatetime | None


class OrderStepSent(BaseModel):
    """
    A step of an order.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    action: Literal[
        "publish",
        "shortlist",
        "order",
        "accept",
        "decline",
        "deliver",
        "evaluate",
        "withdraw",
    ]
    """
    What a party does.
    """
    party: Literal["client", "provider"] | None = None
    """
    Whose step it is; needed for `evaluate` of the provider alone
    """
    operator: str
    token: str
    """
    Of your choice; sending the same again is harmless
    """
    kind: str = ""
    """
    With shortlist and order: the record
    """
    record_id: str = ""
    voucher: str = ""
    """
    With order: the innovation voucher (创新券), or the id of the policy that grants it
    """
    reason: (
        Literal[
            "手上任务已满",
            "超出服务范围",
            "不在服务地区",
            "资质不符",
            "需求不清楚",
            "其他",
        ]
        | None
    ) = None
    """
    With decline
    """
    scores: Scores | None = None
    """
    With evaluate
    """
    note: str = ""
    seen: int | None = None
    """
    `last` of the order as you saw it; guards against overwriting
    """


class OrderView(BaseModel):
    """
    An order as far as it has come.
    """

    number: int
    demand_id: str
    client: str
    firm_id: str
    state: Literal["已发布", "已入围", "已下单", "已接单", "已拒单", "已交付", "已评价", "已撤回"]
    """
    How far an order has come; the values are what operators read.
    """
    kind: str
    """
    The record that is ordered; empty before
    """
    record_id: str
    provider: str
    voucher: str
    decline_reason: str
    shortlist: list[CandidateView]
    evaluated: list[Literal["client", "provider"]]
    """
    Who evaluated
    """
    changed_at: AwareDatetime | None
    changed_by: str
    last: int
    """
    Number of the latest step; send it as `seen`
    """
    next: list[NextStep]


class PairAnswer(BaseModel):
    """
    How well one achievement answers one demand, with every reason.
    """

    demand_id: str
    bundle_version: str
    match: Match


class PolicyAnswer(BaseModel):
    """
    The verdict on one policy or product.
    """

    policy_id: str
    name: str
    kind: Literal["policy", "finance_product"]
    verdict: Literal["eligible", "needs judgement", "needs facts", "not eligible"]
    verdict_text: str
    branch: str
    """
    The group of applicants that the verdict holds for
    """
    branches: list[BranchAnswer]
    valid_until: date | None
    days_left: int | None
    amount: AmountAnswer | None
    nearest_miss: str | None
    """
    The missed figure that is least short, in Chinese
    """
    criteria: list[CriterionAnswer]
    fit: FitAnswer | None = None


class ProviderAnswer(BaseModel):
    """
    State and evaluations of a provider.
    """

    name: str
    state: str
    appealed: bool
    """
    An appeal waits for its decision: nothing goes further until then
    """
    counted: int
    """
    Evaluations that count
    """
    left_out: dict[str, int]
    """
    Evaluations that do not, by reason: self, repeated, burst
    """
    ratings: list[ScaleRating]
    """
    From five evaluations on
    """
    history: list[QualityStep]


class ReadyReport(BaseModel):
    """
    Whether the server can answer, and what it lacks.
    """

    status: Literal["ready", "degraded", "unavailable"]
    bundle_version: str | None
    """
    Null when no bundle is loaded
    """
    loaded_at: str | None
    achievements: int
    """
    Records that can be recommended, those written since included
    """
    demands: int
    ranker: bool
    """
    False: answers are ordered by retrieval only
    """
    graph: bool
    """
    False: no knowledge graph; its routes answer 503
    """
    lacks: list[str]
    """
    What answers are made without at the moment, such as `store` or `shard 2`
    """
    store: Literal["ok", "unreachable"]
    revision: int
    """
    Store revision up to which records are searchable
    """
    rejected_bundle: RejectedBundle | None
    """
    A newer bundle that could not be loaded
    """


class RecordEvidence(BaseModel):
    """
    Entries about one record, in the order of the chain.
    """

    kind: str
    id: str
    entries: list[EvidenceEntry]
    next_after: int | None
    """
    Send it as `after` for more; null: these were the last
    """


class RecordPage(BaseModel):
    """
    Records of a kind in the order of their ids; `next_cursor` is empty on the last page.
    """

    records: list[KindRecord]
    next_cursor: str = ""


class RejectList(BaseModel):
    """
    Open rejects of a source, by key; at most 500.
    """

    rejected: list[RejectedRecord]


class SimilarAnswer(BaseModel):
    """
    Records of the same side with the nearest texts, nearest first, open and closed ones.
    """

    id: str
    items: list[SimilarRecord]


class StandingAsk(BaseModel):
    """
    What is asked to be notified of.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    for_: StandingFor = Field(..., alias="for")
    kinds: list[str] = []
    """
    Kinds watched; absent: achievements for a need, demands for what is offered
    """
    least: float = 3.0
    """
    Score from which on a record matches: how many deviations above a reference record the texts are alike
    """
    filters: Filters | None = None
    conditions: dict[str, str | int | float | bool | list[str]] | None = Field(None, max_length=20)
    """
    Values of filtered fields; a number is a bound from above
    """
    endpoint: str = ""
    """
    Webhook that carries the notices; empty: feed and queue alone
    """
    digest: Literal["at_once", "daily", "weekly"] = "at_once"
    """
    daily and weekly: at 9:00 in China, of Mondays
    """
    quiet_hours: Quiet | None = None
    valid_until: date | None = None
    """
    Last day; a demand's own deadline ends it too
    """


class StandingPage(BaseModel):
    """
    Standing requests in the order of their ids; `next_cursor` is empty on the last page.
    """

    requests: list[StandingView]
    next_cursor: str = ""


class WebhookList(BaseModel):
    """
    All webhooks by name.
    """

    webhooks: list[WebhookView]


class AchievementCards(BaseModel):
    """
    The three cards of an achievement on a day.
    """

    achievement_id: str
    as_of: str
    bundle_version: str = ""
    cards: list[Card]


class AchievementsBatch(BaseModel):
    """
    Several requests for achievements at once.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    requests: list[AchievementsRequest]


class Answer(BaseModel):
    """
    Recommended records, best first.
    """

    subject_id: str | None
    """
    Id of the demand or achievement asked about; null for free text
    """
    items: list[Match]
    answered: bool
    """
    False when no match is good enough; what is shown then are the nearest, if they are worth a look
    """
    verdict: Verdict | None = None
    """
    Null without a ranker or without any candidate
    """
    message: str
    """
    Said to the user when something is missing, in Chinese; empty otherwise
    """
    degraded: bool
    """
    True when something is missing that answers are usually made with, see `lacks`
    """
    bundle_version: str
    lacks: list[Literal["ranker", "graph", "store", "rerank", "rewrite"] | str]
    """
    ranker: the order is that of retrieval; graph: nothing was found over or explained by the knowledge graph; store: the database is away, so that what was written lately may be missing; rerank: a reranker is configured, yet the order is the ranker's: it was late, failed, or has no weight that passed its gate; rewrite: the same of candidates that a chat model's rewritings propose
    """
    gap_report_at: str = ""
    """
    Path of the gap report of a stored demand that has no good enough match; empty otherwise
    """
    gap_report: GapReportAnswer | None = None
    """
    What is missing, who could develop it and with whom; when asked for by `gaps`
    """
    request_id: str
    """
    Send it with the outcome events that follow from this answer
    """


class AskedFor(BaseModel):
    """
    The subject: exactly one of a stored demand, a demand sent along, a free text, a stored firm or achievement.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    demand_id: str | None = None
    demand: Demand | None = None
    text: str | None = None
    firm_id: str | None = None
    """
    By what the firm does
    """
    achievement_id: str | None = None
    """
    By what the achievement is
    """


class BatchResult(BaseModel):
    """
    The answer to one of several requests, or the problem it met.
    """

    answer: Answer | None
    problem: Problem | None


class BundleFor(BaseModel):
    """
    The demand: exactly one of a stored one, one sent along, a free text.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    demand_id: str | None = None
    demand: Demand | None = None
    text: str | None = None


class BundlesRequest(BaseModel):
    """
    What a bundle has to solve, of which roles, within which limits.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    demand: BundleFor
    roles: dict[str, BundleRole] = Field(..., max_length=8, min_length=1)
    """
    By name: technology, team, testing, equipment, service, policy, finance, or others with a kind
    """
    limits: BundleLimits | None = None
    most: int = 3


class ClarificationsAnswer(BaseModel):
    """
    What a demand lacks, what to ask about it, and what was answered so far.
    """

    demand_id: str
    bundle_version: str
    completeness: CompletenessAnswer
    questions: list[QuestionAnswer]
    answered: list[Clarification]


class ClarifiedAnswer(BaseModel):
    """
    What an answer changed. The demand's texts stay as written.
    """

    demand_id: str
    clarification: Clarification
    completeness: CompletenessAnswer
    changed: int
    """
    How many of the top ten are new
    """
    items: list[Match]
    """
    The list as it is now, with reasons and checked requirements
    """


class DemandsBatch(BaseModel):
    """
    Several requests for demands at once.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    requests: list[DemandsRequest]


class EligibilityAnswer(BaseModel):
    """
    Verdicts, the better ones first, products after policies; never a probability.
    """

    as_of: date
    firm: str | None
    """
    Id of the stored firm, null for facts sent along
    """
    counts: dict[Literal["eligible", "needs judgement", "needs facts", "not eligible"], int]
    """
    Of all policies in force that were asked for
    """
    question: BestQuestion | None
    findings: list[FindingAnswer]
    """
    What is one step away; every line with record, rule and evidence
    """
    results: list[PolicyAnswer]


class EligibilityRequest(BaseModel):
    """
    A stored firm or a firm's facts, the day to judge by, and which policies and verdicts are wanted.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    as_of: date
    """
    判断所依据的日期；不取服务器时钟
    """
    firm: str | None = None
    """
    企业编号：按库中该企业的事实判断
    """
    facts: FirmFacts | None = None
    """
    企业的事实；与 firm 二选一
    """
    policies: list[str] = []
    """
    只看这些政策；空为全部
    """
    verdicts: list[Literal["eligible", "needs judgement", "needs facts", "not eligible"]] = []
    """
    只返回这些结论；空为全部
    """
    criteria: bool = True
    """
    是否逐条返回条件
    """
    limit: int = 100


class Firm(BaseModel):
    """
    A firm with all that is known of it; a fact that nobody stated is unknown, never zero.
    """

    id: str
    title: str
    facts: FirmFacts
    """
    Stated facts, and those of the imported record where nothing was stated
    """
    unknown: list[UnknownFact]
    """
    Facts of the form of which nothing is known
    """
    stated_by: str | None
    """
    Who stated facts last; null if all are from an imported record
    """
    stated_at: AwareDatetime | None


class FirmPage(BaseModel):
    """
    Firms in the order of their ids; `next_cursor` is empty on the last page.
    """

    firms: list[Firm]
    next_cursor: str = ""


class KindAnswer(BaseModel):
    """
    The records of one kind for a subject, best first.
    """

    kind: str
    label: str
    message: str = ""
    answered: bool | None = None
    """
    Whether the best is good enough; null as long as the kind has no outcomes to tell by
    """
    items: list[KindItem] = Field([], validate_default=True)


class KindsAnswer(BaseModel):
    """
    One answer for several kinds, in the order asked for.
    """

    subject_id: str | None = None
    bundle_version: str = ""
    kinds: list[KindAnswer] = Field([], validate_default=True)


class KindsRequest(BaseModel):
    """
    A question over several kinds.
    """

    model_config = ConfigDict(
        extra="forbid",
    )
    for_: AskedFor = Field(..., alias="for")
    kinds: dict[str, int] = Field(..., max_length=8, min_length=1)
    """
    How many of each kind
    """
    filters: Filters | None = None
    conditions: dict[str, str | int | float | bool | list[str]] | None = Field(None, max_length=20)
    """
    Values of filtered fields; a number is a bound from above
    """
    requirements: dict[str, str | int | float | bool | list[str]] | None = Field(None, max_length=20)
    """
    Values that should be there: checked and shown, what misses some comes later; a number is a bound from above, of several labels all are wanted
    """
    as_of: date | None = None
    """
    Day on which records have to be valid; today in China if not given
    """


class NodeAnswer(BaseModel):
    """
    A node with its records, what it is linked to, and who could close it.
    """

    chain: str
    name: str
    bundle_version: str
    node: ChainNodeAnswer
    demands: list[ChainRecord]
    supplies: list[ChainRecord]
    upstream: list[LinkedNode]
    downstream: list[LinkedNode]
    holders: list[NearHolder]
    kinds: list[KindAnswer]
    """
    Experts, institutions and others near it, by kind
    """


class OrderHistory(BaseModel):
    """
    An order and all its steps, undone ones too, oldest first.
    """

    order: OrderView
    steps: list[OrderStepEntry]


class OrderList(BaseModel):
    """
    Orders, the latest change first.
    """

    orders: list[OrderView]


class BatchAnswer(BaseModel):
    """
    The answers to several requests, in their order.
    """

    request_id: str
    results: list[BatchResult]
