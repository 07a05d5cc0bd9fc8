"""The eight tools: what each takes, and which route answers it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.firms.facts import FirmFacts
from data.records import DeclineReason, EventKind, Identifier
from matcher.kinds.recommend import MAX_KINDS
from serving.agents.calls import ApiCall, escaped, escaped_in_pair
from serving.api.routes.eligibility import Verdict
from serving.api.schemas import Explain, FreeText, RequestFilters

MAX_FOUND = 50
DemandId = Annotated[Identifier, Field(description="需求编号")]
AchievementId = Annotated[Identifier, Field(description="成果编号")]
Number = Annotated[int, Field(ge=1, le=MAX_FOUND, description="最多返回几条")]


class Arguments(BaseModel, ABC):
    """Arguments of a tool; what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def call(self) -> ApiCall:
        """Return the request to the route that answers."""


class SearchRecords(Arguments):
    """Find records of one kind by text."""

    kind: Annotated[str, Field(max_length=40)] = Field(
        description="achievement、demand、service、expert、equipment、institution、policy、finance_product，或平台自定义的种类"
    )
    query: FreeText = Field(description="要找的内容，用中文描述")
    limit: Number = 10

    def call(self) -> ApiCall:
        """Return the request for recommendations by text, of which nothing is recorded."""
        body = {"text": self.query, "top_k": self.limit, "personalised": False}
        if self.kind == "achievement":
            return ApiCall("POST", "/v1/recommendations/achievements", body=body)
        if self.kind == "demand":
            return ApiCall("POST", "/v1/recommendations/demands", body=body)
        return _of_kinds({"text": self.query}, {self.kind: self.limit})


class Recommend(Arguments):
    """Recommend for exactly one subject."""

    demand_id: DemandId | None = None
    text: FreeText | None = Field(None, description="未入库的需求，原文")
    achievement_id: AchievementId | None = None
    top_k: Number = 10
    explain: Explain = Field("brief", description="none 无理由；brief 有利的理由；full 全部理由、证据和指标核对")
    filters: RequestFilters | None = Field(None, description="所推荐的记录都须满足的条件")
    kinds: dict[str, Annotated[int, Field(ge=1, le=MAX_FOUND)]] = Field(
        default_factory=dict,
        max_length=MAX_KINDS,
        description="不推荐成果，改为每种记录各推荐几条，例如 {service: 5, expert: 3}",
    )

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if sum(given is not None for given in (self.demand_id, self.text, self.achievement_id)) != 1:
            raise ValueError("demand_id、text、achievement_id 须恰好给出一项")
        return self

    def call(self) -> ApiCall:
        """Return the request for achievements, for demands, or for records of several kinds."""
        subject = self.model_dump(include={"demand_id", "text", "achievement_id"}, exclude_none=True)
        filters = {} if self.filters is None else {"filters": self.filters.model_dump(mode="json", exclude_unset=True)}
        if self.kinds:
            return _of_kinds(subject, self.kinds, **filters)
        side = "demands" if self.achievement_id is not None else "achievements"
        body = {**subject, "top_k": self.top_k, "explain": self.explain, **filters}
        return ApiCall("POST", f"/v1/recommendations/{side}", body=body)


class OfPair(Arguments):
    """A demand and an achievement."""

    demand_id: DemandId
    achievement_id: AchievementId


class ExplainMatch(OfPair):
    """Explain one pair."""

    def call(self) -> ApiCall:
        """Return the request for the pair with all reasons."""
        return ApiCall("GET", _pair(self))


class CheckRequirements(OfPair):
    """Check the requirements of one pair."""

    def call(self) -> ApiCall:
        """Return the request for the pair's requirements."""
        return ApiCall("GET", f"{_pair(self)}/requirements")


class CheckEligibility(Arguments):
    """Check what a firm is eligible for."""

    as_of: date = Field(description="判断所依据的日期，例如 2026-05-01")
    firm: Identifier | None = Field(None, description="企业编号；与 facts 二选一")
    facts: FirmFacts | None = Field(None, description="企业的事实；与 firm 二选一")
    policies: Annotated[tuple[str, ...], Field(max_length=MAX_FOUND)] = Field((), description="只看这些；空为全部")
    verdicts: Annotated[tuple[Verdict, ...], Field(max_length=4)] = Field((), description="只要这些结论；空为全部")
    limit: Number = 10

    def call(self) -> ApiCall:
        """Return the request for verdicts with quotes and facts."""
        return ApiCall("POST", "/v1/eligibility", body=self.model_dump(mode="json", exclude_unset=True))


class FindGaps(Arguments):
    """Find what no achievement offers a demand."""

    demand_id: DemandId

    def call(self) -> ApiCall:
        """Return the request for the gap report."""
        return ApiCall("GET", f"/v1/demands/{escaped(self.demand_id)}/gaps")


class AskClarification(Arguments):
    """Find what to ask about a demand."""

    demand_id: DemandId
    limit: Annotated[int, Field(ge=1, le=5, description="最多几个问题")] = 3

    def call(self) -> ApiCall:
        """Return the request for the questions."""
        return ApiCall("GET", f"/v1/demands/{escaped(self.demand_id)}/clarifications", {"limit": self.limit})


class SubmitFeedback(OfPair):
    """Report what happened to a pair."""

    event_id: Identifier = Field(description="自定的编号；重复提交同一编号不会重复计")
    kind: EventKind = Field(description="发生了什么")
    occurred_at: str = Field(max_length=40, description="发生时间，例如 2026-05-01T09:00:00+08:00")
    request_id: Annotated[str, Field(max_length=64)] = Field("", description="推荐结果中的 request_id")
    reason: DeclineReason | None = Field(None, description="decline 的原因")
    amount: float | None = Field(None, description="deal 的金额，万元")

    def call(self) -> ApiCall:
        """Return the request that stores one event."""
        return ApiCall("POST", "/v1/events", body=self.model_dump(mode="json", exclude_unset=True))


@dataclass(frozen=True)
class Tool:
    """A tool: its arguments and the operations of the API (`operationId`) that may answer it."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answers: tuple[str, ...]
    writes: bool = False


_BY_SIDE = ("recommend_achievements", "recommend_demands", "recommend_several")
TOOLS = (
    Tool("search_records", "按文本检索", "按文本检索一种记录，最相关的在前。", SearchRecords, _BY_SIDE),
    Tool(
        "recommend",
        "推荐",
        "为需求推荐成果（或 kinds 各类记录），为成果推荐需求。answered 为 false 表示没有足够好的匹配，不要硬凑；"
        "verdict 说明判断依据，items 按名次排列，probability 为校准后的概率。",
        Recommend,
        _BY_SIDE,
    ),
    Tool("explain_match", "解释匹配", "一对需求与成果的概率、等级、全部理由及其证据。", ExplainMatch, ("match",)),
    Tool(
        "check_requirements",
        "核对指标",
        "逐项核对需求的指标与成果所述：met 满足、missed 未达到、unknown 未说明、not_comparable 不可比，均附双方原文。",
        CheckRequirements,
        ("match_requirements",),
    ),
    Tool(
        "check_eligibility",
        "核对申报条件",
        "按企业事实逐条核对已核准政策和金融产品的条件，附原文和依据；不知道的就是 unknown，不得猜测。",
        CheckEligibility,
        ("post_eligibility",),
    ),
    Tool("find_gaps", "缺口报告", "需求有没有足够好的匹配；没有时，还缺什么、谁能补足。", FindGaps, ("get_gaps",)),
    Tool(
        "ask_clarification",
        "该问什么",
        "需求写得是否完整，以及答案最能改变推荐结果的问题。",
        AskClarification,
        ("get_clarifications",),
    ),
    Tool(
        "submit_feedback",
        "反馈结果",
        "报告一对需求与成果的实际结果（点击、联系、洽谈、成交、不合适等）。只报告真实发生的事，须有事件写入权限。",
        SubmitFeedback,
        ("post_events",),
        writes=True,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}


def output_schema(document: dict[str, Any], tool: Tool) -> dict[str, Any]:
    """Return the JSON Schema of what a tool returns: that of the routes, by the API's OpenAPI document."""
    operations = {
        operation["operationId"]: operation for methods in document["paths"].values() for operation in methods.values()
    }
    answers = [operations[name]["responses"]["200"]["content"]["application/json"]["schema"] for name in tool.answers]
    schemas = document["components"]["schemas"]
    used: dict[str, Any] = {}
    waiting = references(answers)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = _local(schemas[name])
            waiting |= references(schemas[name])
    return {"type": "object", "anyOf": _local(answers), "$defs": used}


def _of_kinds(subject: dict[str, Any], kinds: dict[str, int], **more: Any) -> ApiCall:
    return ApiCall("POST", "/v1/recommendations", body={"for": subject, "kinds": kinds, **more})


def _pair(pair: OfPair) -> str:
    return f"/v1/matches/{escaped_in_pair(pair.demand_id)}/{escaped_in_pair(pair.achievement_id)}"


def references(schema: Any) -> set[str]:
    """Return the names of the schemas that a schema refers to."""
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
        return own.union(*map(references, schema.values()))
    return set().union(*map(references, schema)) if isinstance(schema, list) else set()


def _local(schema: Any) -> Any:
    """Return a schema whose references are its own definitions, without examples."""
    if isinstance(schema, list):
        return [_local(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: f"#/$defs/{value.rpartition('/')[2]}" if name == "$ref" and isinstance(value, str) else _local(value)
        for name, value in schema.items()
        if name not in ("examples", "example")
    }
