"""The API for asynchronous programs. Written by `make client` from the OpenAPI document: do not edit."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Literal

from gongxu_client.models import (
    Achievement,
    AchievementCards,
    AchievementsBatch,
    AchievementsPage,
    AchievementsRequest,
    ActionRequest,
    ActionSent,
    AdviceAnswer,
    Answer,
    AssignmentHistory,
    AssignmentList,
    AssignmentView,
    Batch,
    BatchAnswer,
    BatchTaken,
    BottleneckAnswer,
    BulkAnswer,
    BundlesAnswer,
    BundlesRequest,
    ChainAnswer,
    ChainList,
    ClarificationsAnswer,
    ClarifiedAnswer,
    CompletenessAnswer,
    Decision,
    Deleted,
    Demand,
    DemandsBatch,
    DemandsPage,
    DemandsRequest,
    DisclosureAnswer,
    DisclosureList,
    DisclosureRequest,
    DispatchAnswer,
    DispatchRequest,
    DispatchSummary,
    EligibilityAnswer,
    EligibilityRequest,
    ErasureAnswer,
    ErasureRequest,
    EvaluationSent,
    EvaluationsStored,
    EventsAnswer,
    EventsPage,
    Feed,
    Firm,
    FirmDiagnosis,
    FirmFacts,
    FirmPage,
    Flows,
    GapAnswer,
    Gaps,
    GivenAnswer,
    GraphPaths,
    HandledBy,
    HandOverRequest,
    History,
    KindList,
    KindOutcome,
    KindRecord,
    KindsAnswer,
    KindsRequest,
    MessageList,
    MessageView,
    Models,
    NeedText,
    NodeAnswer,
    NoticeView,
    OrderHistory,
    OrderList,
    OrderPublished,
    OrderStepSent,
    OrderUndo,
    OrderView,
    OriginList,
    OutcomeEvent,
    OutcomesStored,
    PairAnswer,
    PersonAnswer,
    PersonRequest,
    ProviderAnswer,
    QualityStep,
    ReadyReport,
    RecordEvidence,
    RecordPage,
    RejectList,
    Reload,
    Reloaded,
    RequirementsAnswer,
    ReviewRequest,
    SentenceAnswer,
    SimilarAnswer,
    SourceAnswer,
    SourceList,
    SourceSettings,
    StandingAsk,
    StandingPage,
    StandingView,
    StepList,
    StepRequest,
    StructuredAnswer,
    Term,
    UndoRequest,
    WebhookAsk,
    WebhookList,
    WebhookView,
    Work,
    WorkList,
    Written,
)
from gongxu_client.transport import AsyncTransport, quoted, quoted_twice


class AsyncClient(AsyncTransport):
    """Every operation of the API is a method; all raise ApiError."""

    async def recommend_achievements(self, body: AchievementsRequest | Mapping[str, Any]) -> Answer:
        """Achievements that answer a demand."""
        return await self.send(Answer, "POST", "/v1/recommendations/achievements", body=body)

    async def recommend_demands(self, body: DemandsRequest | Mapping[str, Any]) -> Answer:
        """Demands that an achievement answers."""
        return await self.send(Answer, "POST", "/v1/recommendations/demands", body=body)

    async def batch_achievements(self, body: AchievementsBatch | Mapping[str, Any]) -> BatchAnswer:
        """Achievements for up to 100 demands."""
        return await self.send(BatchAnswer, "POST", "/v1/recommendations/achievements:batch", body=body)

    async def batch_demands(self, body: DemandsBatch | Mapping[str, Any]) -> BatchAnswer:
        """Demands for up to 100 achievements."""
        return await self.send(BatchAnswer, "POST", "/v1/recommendations/demands:batch", body=body)

    async def recommend_several(self, body: KindsRequest | Mapping[str, Any]) -> KindsAnswer:
        """Records of several kinds for a demand."""
        return await self.send(KindsAnswer, "POST", "/v1/recommendations", body=body)

    async def find_bundles(self, body: BundlesRequest | Mapping[str, Any]) -> BundlesAnswer:
        """Bundles of several parts for a demand."""
        return await self.send(BundlesAnswer, "POST", "/v1/bundles", body=body)

    def export_achievements(
        self, *, top_k: int = 10, explain: Literal["none", "brief", "full"] = "none"
    ) -> AsyncIterator[dict[str, Any]]:
        """Achievements for every demand: one at a time; raises at the end if the stream broke off."""
        return self.stream("/v1/recommendations/achievements/export", query={"top_k": top_k, "explain": explain})

    def export_demands(
        self, *, top_k: int = 10, explain: Literal["none", "brief", "full"] = "none"
    ) -> AsyncIterator[dict[str, Any]]:
        """Demands for every achievement: one at a time; raises at the end if the stream broke off."""
        return self.stream("/v1/recommendations/demands/export", query={"top_k": top_k, "explain": explain})

    async def similar_achievements(self, achievement_id: str, *, top_k: int = 10) -> SimilarAnswer:
        """Achievements like this one."""
        return await self.send(
            SimilarAnswer, "GET", f"/v1/achievements/{quoted(achievement_id)}/similar", query={"top_k": top_k}
        )

    async def similar_demands(self, demand_id: str, *, top_k: int = 10) -> SimilarAnswer:
        """Demands like this one."""
        return await self.send(SimilarAnswer, "GET", f"/v1/demands/{quoted(demand_id)}/similar", query={"top_k": top_k})

    async def match(self, demand_id: str, achievement_id: str) -> PairAnswer:
        """One pair explained."""
        return await self.send(
            PairAnswer, "GET", f"/v1/matches/{quoted_twice(demand_id)}/{quoted_twice(achievement_id)}"
        )

    async def match_requirements(self, demand_id: str, achievement_id: str) -> RequirementsAnswer:
        """One pair's requirements checked."""
        return await self.send(
            RequirementsAnswer,
            "GET",
            f"/v1/matches/{quoted_twice(demand_id)}/{quoted_twice(achievement_id)}/requirements",
        )

    async def get_clarifications(self, demand_id: str, *, limit: int = 3) -> ClarificationsAnswer:
        """What to ask about a demand."""
        return await self.send(
            ClarificationsAnswer, "GET", f"/v1/demands/{quoted(demand_id)}/clarifications", query={"limit": limit}
        )

    async def post_clarification(self, demand_id: str, body: GivenAnswer | Mapping[str, Any]) -> ClarifiedAnswer:
        """Answer a question about a demand."""
        return await self.send(ClarifiedAnswer, "POST", f"/v1/demands/{quoted(demand_id)}/clarifications", body=body)

    async def get_completeness(self, demand_id: str) -> CompletenessAnswer:
        """How complete a demand is."""
        return await self.send(CompletenessAnswer, "GET", f"/v1/demands/{quoted(demand_id)}/completeness")

    async def get_gaps(self, demand_id: str) -> GapAnswer:
        """What no achievement offers a demand yet."""
        return await self.send(GapAnswer, "GET", f"/v1/demands/{quoted(demand_id)}/gaps")

    async def post_eligibility(self, body: EligibilityRequest | Mapping[str, Any]) -> EligibilityAnswer:
        """What a firm is eligible for."""
        return await self.send(EligibilityAnswer, "POST", "/v1/eligibility", body=body)

    async def get_advice(self, achievement_id: str, *, top_k: int = 10, demands: int = 12) -> AdviceAnswer:
        """What would lift an achievement."""
        return await self.send(
            AdviceAnswer,
            "GET",
            f"/v1/achievements/{quoted(achievement_id)}/advice",
            query={"top_k": top_k, "demands": demands},
        )

    async def get_cards(self, achievement_id: str, *, as_of: str | None = None) -> AchievementCards:
        """Maturity, market and risk of an achievement."""
        return await self.send(
            AchievementCards, "GET", f"/v1/achievements/{quoted(achievement_id)}/cards", query={"as_of": as_of}
        )

    async def structure_demand(self, body: NeedText | Mapping[str, Any]) -> StructuredAnswer:
        """Structure a pasted need."""
        return await self.send(StructuredAnswer, "POST", "/v1/demands:structure", body=body)

    async def match_sentence(self, demand_id: str, achievement_id: str) -> SentenceAnswer:
        """One pair explained in a sentence."""
        return await self.send(
            SentenceAnswer, "GET", f"/v1/matches/{quoted_twice(demand_id)}/{quoted_twice(achievement_id)}/sentence"
        )

    async def bulk_achievements(self, records: Iterable[Achievement | Mapping[str, Any]]) -> BulkAnswer:
        """Write many achievements."""
        return await self.send(BulkAnswer, "POST", "/v1/achievements:bulk", lines=records)

    async def bulk_demands(self, records: Iterable[Demand | Mapping[str, Any]]) -> BulkAnswer:
        """Write many demands."""
        return await self.send(BulkAnswer, "POST", "/v1/demands:bulk", lines=records)

    async def put_achievement(self, achievement_id: str, body: Achievement | Mapping[str, Any]) -> Written:
        """Write an achievement."""
        return await self.send(Written, "PUT", f"/v1/achievements/{quoted(achievement_id)}", body=body)

    async def delete_achievement(self, achievement_id: str) -> Deleted:
        """Delete an achievement."""
        return await self.send(Deleted, "DELETE", f"/v1/achievements/{quoted(achievement_id)}")

    async def get_achievement(self, achievement_id: str) -> Achievement:
        """Read an achievement."""
        return await self.send(Achievement, "GET", f"/v1/achievements/{quoted(achievement_id)}")

    async def put_demand(self, demand_id: str, body: Demand | Mapping[str, Any]) -> Written:
        """Write a demand."""
        return await self.send(Written, "PUT", f"/v1/demands/{quoted(demand_id)}", body=body)

    async def delete_demand(self, demand_id: str) -> Deleted:
        """Delete a demand."""
        return await self.send(Deleted, "DELETE", f"/v1/demands/{quoted(demand_id)}")

    async def get_demand(self, demand_id: str) -> Demand:
        """Read a demand."""
        return await self.send(Demand, "GET", f"/v1/demands/{quoted(demand_id)}")

    async def list_kinds(self) -> KindList:
        """List the kinds of records."""
        return await self.send(KindList, "GET", "/v1/kinds")

    async def list_records(self, kind: str, *, cursor: str = "", limit: int = 100) -> RecordPage:
        """List the records of a kind."""
        return await self.send(
            RecordPage, "GET", f"/v1/records/{quoted(kind)}", query={"cursor": cursor, "limit": limit}
        )

    async def get_record(self, kind: str, record_id: str) -> KindRecord:
        """Read a record of a kind."""
        return await self.send(KindRecord, "GET", f"/v1/records/{quoted(kind)}/{quoted(record_id)}")

    async def put_record(self, kind: str, record_id: str, body: Mapping[str, Any]) -> Written:
        """Write a record of a kind."""
        return await self.send(Written, "PUT", f"/v1/records/{quoted(kind)}/{quoted(record_id)}", body=body)

    async def delete_record(self, kind: str, record_id: str) -> Deleted:
        """Delete a record of a kind."""
        return await self.send(Deleted, "DELETE", f"/v1/records/{quoted(kind)}/{quoted(record_id)}")

    async def bulk_records(self, kind: str, records: Iterable[Demand | Mapping[str, Any]]) -> BulkAnswer:
        """Write many records of a kind."""
        return await self.send(BulkAnswer, "POST", f"/v1/records/{quoted(kind)}:bulk", lines=records)

    async def post_outcomes(self, kind: str, body: Sequence[KindOutcome | Mapping[str, Any]]) -> OutcomesStored:
        """Report outcomes of records of a kind."""
        return await self.send(OutcomesStored, "POST", f"/v1/records/{quoted(kind)}:outcomes", body=body)

    async def list_firms(self, *, cursor: str = "", limit: int = 100) -> FirmPage:
        """List firms."""
        return await self.send(FirmPage, "GET", "/v1/firms", query={"cursor": cursor, "limit": limit})

    async def diagnose_firm(self, firm_id: str, *, as_of: str | None = None) -> FirmDiagnosis:
        """What is one step away for a firm."""
        return await self.send(FirmDiagnosis, "GET", f"/v1/firms/{quoted(firm_id)}/diagnosis", query={"as_of": as_of})

    async def get_firm(self, firm_id: str) -> Firm:
        """Read a firm."""
        return await self.send(Firm, "GET", f"/v1/firms/{quoted(firm_id)}")

    async def put_firm(self, firm_id: str, body: FirmFacts | Mapping[str, Any]) -> Written:
        """State a firm's facts."""
        return await self.send(Written, "PUT", f"/v1/firms/{quoted(firm_id)}", body=body)

    async def delete_firm(self, firm_id: str) -> Deleted:
        """Delete a firm."""
        return await self.send(Deleted, "DELETE", f"/v1/firms/{quoted(firm_id)}")

    async def act_on_match(self, body: ActionRequest | Mapping[str, Any]) -> Work:
        """Act on a match."""
        return await self.send(Work, "POST", "/v1/matches/actions", body=body)

    async def undo_action(self, body: UndoRequest | Mapping[str, Any]) -> Work:
        """Undo an action on a match."""
        return await self.send(Work, "POST", "/v1/matches/undo", body=body)

    async def list_matches(self, *, state: str | None = None, assignee: str = "", limit: int = 200) -> WorkList:
        """List the work on matches."""
        return await self.send(
            WorkList, "GET", "/v1/matches", query={"state": state, "assignee": assignee, "limit": limit}
        )

    async def match_history(self, *, demand_id: str, achievement_id: str) -> History:
        """Read the history of a match."""
        return await self.send(
            History, "GET", "/v1/matches/history", query={"demand_id": demand_id, "achievement_id": achievement_id}
        )

    async def dispatch_demands(self, body: DispatchRequest | Mapping[str, Any]) -> DispatchAnswer:
        """Propose demands to brokers."""
        return await self.send(DispatchAnswer, "POST", "/v1/dispatch", body=body)

    async def list_assignments(
        self,
        *,
        state: str | None = None,
        broker_id: str = "",
        demand_id: str = "",
        overdue: bool = False,
        limit: int = 200,
    ) -> AssignmentList:
        """List assignments."""
        return await self.send(
            AssignmentList,
            "GET",
            "/v1/assignments",
            query={"state": state, "broker_id": broker_id, "demand_id": demand_id, "overdue": overdue, "limit": limit},
        )

    async def dispatch_summary(self) -> DispatchSummary:
        """See how dispatching goes."""
        return await self.send(DispatchSummary, "GET", "/v1/assignments/summary")

    async def hand_over_assignments(self, body: HandOverRequest | Mapping[str, Any]) -> AssignmentList:
        """Hand a broker's work over."""
        return await self.send(AssignmentList, "POST", "/v1/assignments/handover", body=body)

    async def get_assignment(self, number: str) -> AssignmentHistory:
        """Read an assignment."""
        return await self.send(AssignmentHistory, "GET", f"/v1/assignments/{quoted(number)}")

    async def step_assignment(self, number: str, body: StepRequest | Mapping[str, Any]) -> AssignmentView:
        """Take a step of an assignment."""
        return await self.send(AssignmentView, "POST", f"/v1/assignments/{quoted(number)}/steps", body=body)

    async def publish_order(self, body: OrderPublished | Mapping[str, Any]) -> OrderView:
        """Publish an order."""
        return await self.send(OrderView, "POST", "/v1/orders", body=body)

    async def list_orders(
        self, *, state: str | None = None, demand_id: str = "", provider: str = "", client: str = "", limit: int = 200
    ) -> OrderList:
        """List orders."""
        return await self.send(
            OrderList,
            "GET",
            "/v1/orders",
            query={"state": state, "demand_id": demand_id, "provider": provider, "client": client, "limit": limit},
        )

    async def get_order(self, number: str) -> OrderHistory:
        """Read an order."""
        return await self.send(OrderHistory, "GET", f"/v1/orders/{quoted(number)}")

    async def step_order(self, number: str, body: OrderStepSent | Mapping[str, Any]) -> OrderView:
        """Take a step of an order."""
        return await self.send(OrderView, "POST", f"/v1/orders/{quoted(number)}/steps", body=body)

    async def undo_order_step(self, number: str, body: OrderUndo | Mapping[str, Any]) -> OrderView:
        """Undo a step of an order."""
        return await self.send(OrderView, "POST", f"/v1/orders/{quoted(number)}/undo", body=body)

    async def ask_disclosure(self, body: DisclosureRequest | Mapping[str, Any]) -> DisclosureAnswer:
        """Ask to see more of a record."""
        return await self.send(DisclosureAnswer, "POST", "/v1/disclosures", body=body)

    async def list_disclosures(self, *, state: str | None = None) -> DisclosureList:
        """List disclosure requests."""
        return await self.send(DisclosureList, "GET", "/v1/disclosures", query={"state": state})

    async def decide_disclosure(self, number: str, body: Decision | Mapping[str, Any]) -> DisclosureAnswer:
        """Grant, deny or withdraw a disclosure."""
        return await self.send(DisclosureAnswer, "POST", f"/v1/disclosures/{quoted(number)}/decision", body=body)

    async def export_person(self, body: PersonRequest | Mapping[str, Any]) -> PersonAnswer:
        """All that is stored of a person."""
        return await self.send(PersonAnswer, "POST", "/v1/persons:export", body=body)

    async def erase_person_data(self, body: ErasureRequest | Mapping[str, Any]) -> ErasureAnswer:
        """Erase a person's data."""
        return await self.send(ErasureAnswer, "POST", "/v1/persons:erase", body=body)

    async def record_evidence(self, kind: str, record_id: str, *, after: int = 0) -> RecordEvidence:
        """Evidence of a record."""
        return await self.send(
            RecordEvidence, "GET", f"/v1/evidence/{quoted(kind)}/{quoted(record_id)}", query={"after": after}
        )

    async def post_evaluations(self, body: Sequence[EvaluationSent | Mapping[str, Any]]) -> EvaluationsStored:
        """Send evaluations of providers."""
        return await self.send(EvaluationsStored, "POST", "/v1/evaluations", body=body)

    async def list_providers(self, *, subject: Literal["provider", "record"] = "provider", state: str = "") -> StepList:
        """Providers and records with steps."""
        return await self.send(StepList, "GET", "/v1/providers", query={"subject": subject, "state": state})

    async def review_providers(self, body: ReviewRequest | Mapping[str, Any]) -> StepList:
        """Review providers and records."""
        return await self.send(StepList, "POST", "/v1/providers:review", body=body)

    async def act_on_provider(self, body: ActionSent | Mapping[str, Any]) -> QualityStep:
        """Confirm, appeal, decide."""
        return await self.send(QualityStep, "POST", "/v1/providers:act", body=body)

    async def get_provider(self, name: str) -> ProviderAnswer:
        """Read a provider."""
        return await self.send(ProviderAnswer, "GET", f"/v1/providers/{quoted(name)}")

    async def put_source(self, source_id: str, body: SourceSettings | Mapping[str, Any]) -> SourceAnswer:
        """Register a source."""
        return await self.send(SourceAnswer, "PUT", f"/v1/sources/{quoted(source_id)}", body=body)

    async def list_sources(self) -> SourceList:
        """List sources."""
        return await self.send(SourceList, "GET", "/v1/sources")

    async def post_batch(self, source_id: str, body: Batch | Mapping[str, Any]) -> BatchTaken:
        """Send what changed at a source."""
        return await self.send(BatchTaken, "POST", f"/v1/sources/{quoted(source_id)}/batches", body=body)

    async def list_rejects(self, source_id: str) -> RejectList:
        """What of a source could not be read."""
        return await self.send(RejectList, "GET", f"/v1/sources/{quoted(source_id)}/rejects")

    async def list_origins(self, kind: str, record_id: str) -> OriginList:
        """Origins of a record."""
        return await self.send(OriginList, "GET", f"/v1/origins/{quoted(kind)}/{quoted(record_id)}")

    async def list_flows(self, *, home: bool = False) -> Flows:
        """Flows between regions."""
        return await self.send(Flows, "GET", "/v1/flows", query={"home": home})

    async def list_chains(self) -> ChainList:
        """List industry chains."""
        return await self.send(ChainList, "GET", "/v1/chains")

    async def get_chain(self, chain_id: str) -> ChainAnswer:
        """An industry chain with its figures."""
        return await self.send(ChainAnswer, "GET", f"/v1/chains/{quoted(chain_id)}")

    async def list_bottlenecks(self, chain_id: str, *, top_k: int = 10) -> BottleneckAnswer:
        """Bottlenecks of an industry chain."""
        return await self.send(
            BottleneckAnswer, "GET", f"/v1/chains/{quoted(chain_id)}/bottlenecks", query={"top_k": top_k}
        )

    async def get_chain_node(self, chain_id: str, node_id: str) -> NodeAnswer:
        """A node of an industry chain."""
        return await self.send(NodeAnswer, "GET", f"/v1/chains/{quoted(chain_id)}/nodes/{quoted(node_id)}")

    async def put_standing(self, request_id: str, body: StandingAsk | Mapping[str, Any]) -> StandingView:
        """Register a standing request."""
        return await self.send(StandingView, "PUT", f"/v1/standing/{quoted(request_id)}", body=body)

    async def get_standing(self, request_id: str) -> StandingView:
        """Read a standing request."""
        return await self.send(StandingView, "GET", f"/v1/standing/{quoted(request_id)}")

    async def unsubscribe(self, request_id: str) -> StandingView:
        """Unsubscribe a standing request."""
        return await self.send(StandingView, "DELETE", f"/v1/standing/{quoted(request_id)}")

    async def list_standing(self, *, cursor: str = "", limit: int = 100, state: str | None = None) -> StandingPage:
        """List the standing requests."""
        return await self.send(
            StandingPage, "GET", "/v1/standing", query={"cursor": cursor, "limit": limit, "state": state}
        )

    async def new_matches(self, *, cursor: int = 0, limit: int = 100, request_id: str = "") -> Feed:
        """Read the feed of new matches."""
        return await self.send(
            Feed, "GET", "/v1/matches/new", query={"cursor": cursor, "limit": limit, "request_id": request_id}
        )

    async def handle_notice(self, number: str, body: HandledBy | Mapping[str, Any]) -> NoticeView:
        """Note that a new match was seen to."""
        return await self.send(NoticeView, "POST", f"/v1/matches/new/{quoted_twice(number)}:handle", body=body)

    async def put_webhook(self, name: str, body: WebhookAsk | Mapping[str, Any]) -> WebhookView:
        """Register a webhook."""
        return await self.send(WebhookView, "PUT", f"/v1/webhooks/{quoted(name)}", body=body)

    async def delete_webhook(self, name: str) -> WebhookView:
        """Delete a webhook."""
        return await self.send(WebhookView, "DELETE", f"/v1/webhooks/{quoted(name)}")

    async def list_webhooks(self) -> WebhookList:
        """List the webhooks."""
        return await self.send(WebhookList, "GET", "/v1/webhooks")

    async def send_test_message(self, name: str) -> MessageView:
        """Send a test message."""
        return await self.send(MessageView, "POST", f"/v1/webhooks/{quoted(name)}:test")

    async def list_messages(self, name: str, *, state: str | None = None, limit: int = 100) -> MessageList:
        """List the messages of a webhook."""
        return await self.send(
            MessageList, "GET", f"/v1/webhooks/{quoted(name)}/messages", query={"state": state, "limit": limit}
        )

    async def retry_message(self, message_id: str) -> MessageView:
        """Send a message again."""
        return await self.send(MessageView, "POST", f"/v1/webhooks/messages/{quoted(message_id)}:retry")

    async def post_events(
        self, body: OutcomeEvent | Mapping[str, Any] | Sequence[OutcomeEvent | Mapping[str, Any]]
    ) -> EventsAnswer:
        """Report outcome events."""
        return await self.send(EventsAnswer, "POST", "/v1/events", body=body)

    async def list_achievements(self, *, limit: int = 100, cursor: str = "") -> AchievementsPage:
        """List achievements."""
        return await self.send(AchievementsPage, "GET", "/v1/achievements", query={"limit": limit, "cursor": cursor})

    async def list_demands(self, *, limit: int = 100, cursor: str = "") -> DemandsPage:
        """List demands."""
        return await self.send(DemandsPage, "GET", "/v1/demands", query={"limit": limit, "cursor": cursor})

    async def achievement_events(self, achievement_id: str, *, limit: int = 100, cursor: str = "") -> EventsPage:
        """Events of an achievement."""
        return await self.send(
            EventsPage,
            "GET",
            f"/v1/achievements/{quoted(achievement_id)}/events",
            query={"limit": limit, "cursor": cursor},
        )

    async def demand_events(self, demand_id: str, *, limit: int = 100, cursor: str = "") -> EventsPage:
        """Events of a demand."""
        return await self.send(
            EventsPage, "GET", f"/v1/demands/{quoted(demand_id)}/events", query={"limit": limit, "cursor": cursor}
        )

    async def term(self, term: str, *, limit: int = 20) -> Term:
        """A term and its neighbours."""
        return await self.send(Term, "GET", f"/v1/graph/terms/{quoted(term)}", query={"limit": limit})

    async def paths(self, *, demand_id: str, achievement_id: str, limit: int = 3) -> GraphPaths:
        """Paths between two records."""
        return await self.send(
            GraphPaths,
            "GET",
            "/v1/graph/paths",
            query={"demand_id": demand_id, "achievement_id": achievement_id, "limit": limit},
        )

    async def gaps(
        self, *, region: str = "", industry: str = "", stages: bool = False, surplus: bool = False, limit: int = 20
    ) -> Gaps:
        """Where supply is missing."""
        return await self.send(
            Gaps,
            "GET",
            "/v1/graph/gaps",
            query={"region": region, "industry": industry, "stages": stages, "surplus": surplus, "limit": limit},
        )

    async def models(self) -> Models:
        """List bundles."""
        return await self.send(Models, "GET", "/v1/models")

    async def reload(self, body: Reload | Mapping[str, Any]) -> Reloaded:
        """Serve another bundle, or load the current one again."""
        return await self.send(Reloaded, "POST", "/v1/models/reload", body=body)

    async def metrics(self) -> str:
        """Metrics in Prometheus' text format."""
        return await self.text("GET", "/metrics")

    async def healthz(self) -> dict[str, Any]:
        """The process is alive."""
        return await self.send(dict, "GET", "/healthz")

    async def readyz(self) -> ReadyReport:
        """The server can answer recommendations."""
        return await self.send(ReadyReport, "GET", "/readyz")
