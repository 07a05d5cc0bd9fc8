"""The knowledge graph: a term's neighbours, paths between a demand and an achievement, gaps of supply."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from data.records import Identifier
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.queries.supply import balances, term_card
from knowledge_graph.reading.paths import drawing
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.problems import COMMON, NO_BUNDLE, NO_GRAPH, NOT_FOUND, ApiError, responses
from serving.runtime.services import Services, ServicesOf

router = APIRouter(prefix="/v1/graph", tags=["graph"], dependencies=[Depends(Needs(Scope.READ_GRAPH))])
_RESPONSES = responses(NOT_FOUND, NO_BUNDLE, NO_GRAPH, *COMMON)
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most")]
MAX_PATHS = 20


class NeighbourTerm(BaseModel):
    """A related term."""

    model_config = ConfigDict(frozen=True)

    term: str
    relation: str
    strength: float = Field(description="0 to 1")
    evidence: str


class Term(BaseModel):
    """A term with its neighbours, strongest first."""

    model_config = ConfigDict(frozen=True)

    term: str
    type: str
    achievements: int = Field(description="Achievements that hold it")
    demands: int
    stages: list[str] = Field(description="Stages of industry chains it belongs to")
    neighbours: list[NeighbourTerm]


class GraphPaths(BaseModel):
    """Why a demand and an achievement belong together, as paths over shared and related terms."""

    model_config = ConfigDict(frozen=True)

    paths: list[dict[str, Any]]
    drawing: dict[str, Any] = Field(description="Nodes and edges of all paths, ready to be drawn")


class Gap(BaseModel):
    """Demand and supply at a term or a chain stage."""

    model_config = ConfigDict(frozen=True)

    name: str
    demands: int
    achievements: int
    budget: float = Field(description="万元")
    score: float = Field(description="Above 0: more demand than supply would lead one to expect; below: less")


class Gaps(BaseModel):
    """Where demand and supply part most."""

    model_config = ConfigDict(frozen=True)

    gaps: list[Gap]


@router.get("/terms/{term:path}", response_model=Term, responses=_RESPONSES, summary="A term and its neighbours")
async def term(
    term: Annotated[str, Path(min_length=1, max_length=100, examples=["污泥干化"])],
    services: ServicesOf,
    limit: Limit = 20,
) -> Response:
    """Return what the graph knows of a term."""
    card = await services.engine_threads.run(partial(term_card, _graph(services), term, limit))
    return json_response(asdict(card))


@router.get("/paths", response_model=GraphPaths, responses=_RESPONSES, summary="Paths between two records")
async def paths(
    demand_id: Identifier,
    achievement_id: Identifier,
    services: ServicesOf,
    limit: Annotated[int, Query(ge=1, le=MAX_PATHS)] = 3,
) -> Response:
    """Return the strongest paths between two stored records as they are now, with their evidence."""
    _graph(services)
    achievement = await services.in_store(lambda store: store.achievement(achievement_id))
    demand = await services.in_store(lambda store: store.demand(demand_id))
    engine = services.live().engine
    found = await services.engine_threads.run(partial(engine.paths, demand, achievement, limit))
    return json_response({"paths": [path.as_json() for path in found], "drawing": drawing(found)})


@router.get("/gaps", response_model=Gaps, responses=_RESPONSES, summary="Where supply is missing")
async def gaps(
    services: ServicesOf,
    region: Annotated[str, Query(max_length=50, description="Of the demands, by name or code")] = "",
    industry: Annotated[str, Query(max_length=50, description="GB/T 4754 letter or code")] = "",
    stages: Annotated[bool, Query(description="By stage of the industry chain instead of by term")] = False,
    surplus: Annotated[bool, Query(description="Too much supply instead of too little")] = False,
    limit: Limit = 20,
) -> Response:
    """Return the terms (or chain stages) where open demands find few achievements, weighted by budget."""
    work = partial(balances, _graph(services), region=region, industry=industry, stages=stages)
    found = await services.engine_threads.run(work)
    chosen = [row for row in reversed(found) if row.score < 0] if surplus else [row for row in found if row.score > 0]
    return json_response({"gaps": [asdict(row) for row in chosen[:limit]]})


def _graph(services: Services) -> KnowledgeGraph:
    graph = services.live().engine.model.graph
    if graph is None:
        raise ApiError(NO_GRAPH, "模型包中没有知识图谱；请重新运行 gongxu build")
    return graph
