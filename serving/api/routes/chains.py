"""Industry chains: what is on their nodes, where they are short, who could close it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from matcher.chains.answer import BottleneckAnswer, ChainAnswer, ChainSummary, NodeAnswer
from matcher.chains.shown import bottleneck, downstream, node_answer, node_place, upstream
from serving.access.gate import Needs
from serving.access.roles import Scope
from serving.api.answers import json_response
from serving.api.chains import closers_of, read_chain
from serving.problems import COMMON, NO_BUNDLE, NOT_FOUND, responses
from serving.runtime.services import ServicesOf

router = APIRouter(prefix="/v1/chains", tags=["chains"], dependencies=[Depends(Needs(Scope.RECOMMEND))])
ChainId = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="Chain", examples=["battery"])]
_RESPONSES = responses(NOT_FOUND, NO_BUNDLE, *COMMON)


class ChainList(BaseModel):
    """All chains, by id."""

    model_config = ConfigDict(frozen=True)

    chains: tuple[ChainSummary, ...]


@router.get("", response_model=ChainList, responses=responses(*COMMON), summary="List industry chains")
async def list_chains(services: ServicesOf) -> Response:
    """List the chains that were imported with `gongxu graph chain`; without any nothing else here is computed."""
    kept = await services.in_store(lambda store: store.chains.all())
    chains = [
        ChainSummary(chain=one.id, name=one.name, nodes=one.nodes, links=one.links, imported_at=one.imported_at)
        for one in kept
    ]
    return json_response(ChainList(chains=tuple(chains)).model_dump(mode="json"))


@router.get(
    "/{chain_id}", response_model=ChainAnswer, responses=_RESPONSES, summary="An industry chain with its figures"
)
async def get_chain(chain_id: ChainId, services: ServicesOf) -> Response:
    """Return all nodes of a chain with their weights, open demands, supplies, and causes where they are short."""
    chain = await read_chain(services, chain_id)
    now = chain.now
    answer = ChainAnswer(
        chain=chain.kept.id,
        name=chain.kept.name,
        bundle_version=chain.live.manifest.version,
        demands_unplaced=now.figures.unplaced["demand"],
        supplies_unplaced=now.figures.unplaced["achievement"],
        nodes=tuple(node_answer(now, place) for place in range(len(now.figures.figures))),
    )
    return json_response(answer.model_dump(mode="json"))


@router.get(
    "/{chain_id}/bottlenecks",
    response_model=BottleneckAnswer,
    responses=_RESPONSES,
    summary="Bottlenecks of an industry chain",
)
async def list_bottlenecks(
    chain_id: ChainId,
    services: ServicesOf,
    top_k: Annotated[int, Query(ge=1, le=100, description="How many bottlenecks at most")] = 10,
) -> Response:
    """Return the nodes with open demands whose supplies are few, old or of one owner, with their records.

    Each record says what placed it on the node. docs/chains.md defines the figures.
    """
    chain = await read_chain(services, chain_id)
    found = chain.now.figures.bottlenecks
    answer = BottleneckAnswer(
        chain=chain.kept.id,
        name=chain.kept.name,
        bundle_version=chain.live.manifest.version,
        total=len(found),
        bottlenecks=tuple(bottleneck(chain.now, place) for place in found[:top_k]),
    )
    return json_response(answer.model_dump(mode="json"))


@router.get(
    "/{chain_id}/nodes/{node_id:path}",
    response_model=NodeAnswer,
    responses=_RESPONSES,
    summary="A node of an industry chain",
)
async def get_chain_node(
    chain_id: ChainId, node_id: Annotated[str, Path(max_length=200, description="Node")], services: ServicesOf
) -> Response:
    """Return a node with its records, what it depends on, what depends on it, and who could close it."""
    chain = await read_chain(services, chain_id)
    place = node_place(chain.now, node_id)
    holders, kinds = await closers_of(services, chain, place)
    with_records = bottleneck(chain.now, place)
    answer = NodeAnswer(
        chain=chain.kept.id,
        name=chain.kept.name,
        bundle_version=chain.live.manifest.version,
        node=with_records.node,
        demands=with_records.demands,
        supplies=with_records.supplies,
        upstream=upstream(chain.now, place),
        downstream=downstream(chain.now, place),
        holders=holders,
        kinds=kinds,
    )
    return json_response(answer.model_dump(mode="json"))
