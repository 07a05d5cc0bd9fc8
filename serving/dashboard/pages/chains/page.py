"""产业链: where an industry chain has open demands and few, old or single-owner supplies; one node with its records."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from data.errors import NotFoundError
from matcher.chains.answer import ChainRecord
from matcher.chains.figures import CAUSE_NAMES, OnNode
from matcher.chains.placing import BASIS_NAMES, Basis
from matcher.chains.reading import ChainNow
from matcher.chains.shown import downstream, node_answer, node_place, upstream
from serving.api.chains import OpenChain, closers_of, read_chain
from serving.dashboard.page import Page
from serving.dashboard.rendering import render
from serving.dashboard.tables import Column, MemoryRows, Row, Table, TableSpec, show
from serving.runtime.services import services_of

SHOWN = 10
NAMED = 2  # demands of a bottleneck
HINTS = {
    "demands": "直接归入这个环节的开放需求；点击看这些需求和归入的理由。",
    "below": "连同下级环节在内的开放需求，每条只计一次。",
    "supplies": "这个环节及其下级的在架成果，每项只计一次。",
    "owners": "这些成果的持有单位数；没有写单位的各计一家。",
    "suppliers": "按新旧折算的供方数：一家单位按它最新的成果计，五年前的计一半，没有日期的计一半。",
    "newest": "最新一项成果的更新或发布日期。",
    "weight": "环节自身与依赖它的下游合计，以全链平均的末级环节为 1；下游每远一步折半。",
    "shortage": "需求数 × log2(2 + 权重) ÷ (1 + 折算供方)；越大越紧缺。",
    "causes": "有开放需求，而供给没有、不足三项或少于需求、最新的已过五年或出自一家单位，才算瓶颈。",
}


async def _asked(request: Request) -> OpenChain | None:
    """Return the chain that the address names, or else the first one; None without any."""
    services = services_of(request)
    chains = await services.in_store(lambda store: store.chains.all())
    chosen = request.query_params.get("chain") or (chains[0].id if chains else "")
    return await read_chain(services, chosen, staff=True) if chosen else None


async def _node(request: Request) -> tuple[OpenChain, int]:
    """Return the chain and the place of the node that the address names, of none its first; NotFoundError without any."""
    chain = await _asked(request)
    if chain is None:
        raise NotFoundError("no chain was imported; see `gongxu graph chain`", chinese="还没有导入产业链")
    return chain, _place(request, chain)


def _place(request: Request, chain: OpenChain) -> int:
    node = request.query_params.get("node")
    return node_place(chain.now, node) if node else 0


async def page(request: Request) -> Response:
    """Show the chains, and of one its bottlenecks and all nodes."""
    services = services_of(request)
    chains = await services.in_store(lambda store: store.chains.all())
    chosen = request.query_params.get("chain") or (chains[0].id if chains else "")
    state: dict[str, Any] = {"chains": chains, "chosen": chosen, "chain": None, "shown": None, "bottlenecks": []}
    if chosen and services.holder.live is not None:
        chain = await read_chain(services, chosen, staff=True)
        figures = chain.now.figures
        state |= {
            "chain": chain.kept,
            "figures": figures,
            "shown": await show(request, nodes_table_of(chain)),
            "bottlenecks": [
                (node_answer(chain.now, place), [chain.now.record(one) for one in figures.demands[place][:NAMED]])
                for place in figures.bottlenecks[:SHOWN]
            ],
            "number": len(figures.bottlenecks),
            "unplaced": figures.unplaced,
        }
    return render(request, "chains/chains.html", title="产业链", active="chains", causes=CAUSE_NAMES, **state)


async def nodes_table(request: Request) -> Table:
    """Return the table of a chain's nodes."""
    return nodes_table_of(await _asked(request))


def nodes_table_of(chain: OpenChain | None) -> Table:
    """Return the nodes of a chain with their figures, in the order of its file unless asked otherwise."""
    rows = [] if chain is None else [_node_row(chain.now, place) for place in range(len(chain.now.figures.figures))]

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return "/chains/node", {"chain": row["chain"], "node": row["node"]}

    return Table(
        "chain_nodes",
        "全部环节",
        (
            Column("name", "环节", link=link),
            Column("cause", "瓶颈原因", hint=HINTS["causes"]),
            Column("demands", "开放需求", "number", HINTS["demands"], link=link),
            Column("below", "含下级", "number", HINTS["below"], link=link),
            Column("supplies", "在架成果", "number", HINTS["supplies"], link=link),
            Column("owners", "单位", "number", HINTS["owners"], link=link),
            Column("suppliers", "折算供方", "decimal", HINTS["suppliers"], own=True),
            Column("newest", "最新成果", "day", HINTS["newest"]),
            Column("weight", "权重", "decimal", HINTS["weight"], own=True),
            Column("shortage", "紧缺度", "decimal", HINTS["shortage"], own=True),
            Column("industry", "行业代码", "code", "GB/T 4754 代码；所属行业在其中的记录归入这个环节。", link=link),
        ),
        MemoryRows(rows),
        find=("name", "industry"),
        sort="shortage",
        size=50,
    )


def _node_row(now: ChainNow, place: int) -> Row:
    one = node_answer(now, place)
    own = one.model_dump(include={"demands", "supplies", "owners", "suppliers", "newest", "shortage", "industry"})
    return own | {
        "chain": now.figures.chain.id,
        "node": one.node,
        "name": " › ".join(one.path),
        "weight": one.relative_weight,
        "cause": "、".join(CAUSE_NAMES[cause] for cause in now.figures.figures[place].causes),
        "below": one.demands_below,
    }


async def node_page(request: Request) -> Response:
    """Show a node: its figures, its records, what it is linked to; who could close it comes after the page."""
    chain, place = await _node(request)
    return render(
        request,
        "chains/node.html",
        title=chain.now.figures.chain.nodes[place].name,
        active="chains",
        chain=chain.kept,
        node=node_answer(chain.now, place),
        above=[chain.now.figures.chain.nodes[one] for one in chain.now.figures.chain.above(place)][:0:-1],
        below=[node_answer(chain.now, one) for one in chain.now.figures.chain.children[place]],
        causes=CAUSE_NAMES,
        hints=HINTS,
        upstream=upstream(chain.now, place),
        downstream=downstream(chain.now, place),
        demands=await show(request, _records_table(chain, place, "demands")),
        supplies=await show(request, _records_table(chain, place, "supplies")),
    )


async def demands_table(request: Request) -> Table:
    """Return the open demands on a node."""
    return await _asked_records(request, "demands")


async def supplies_table(request: Request) -> Table:
    """Return the supplies of a node."""
    return await _asked_records(request, "supplies")


async def _asked_records(request: Request, side: str) -> Table:
    chain = await _asked(request)
    return _records_table(chain, 0 if chain is None else _place(request, chain), side)


def _records_table(chain: OpenChain | None, place: int, side: str) -> Table:
    demand = side == "demands"
    rows: list[Row] = []
    if chain is not None:
        figures = chain.now.figures
        rows = [_row(chain.now, one) for one in (figures.demands if demand else figures.supplies)[place]]

    def link(row: Row) -> tuple[str, dict[str, Any]]:
        return ("/browse/demand" if demand else "/browse/achievement"), {"id": row["id"]}

    return Table(
        f"chain_{side}",
        "开放需求" if demand else "在架成果",
        (
            Column("title", "需求" if demand else "成果", "title", link=link),
            Column("why", "归入理由", "title"),
            Column("owner", "企业" if demand else "单位"),
            Column("day", "更新或发布", "day"),
            Column("region", "地区", "region"),
            *(() if demand else (Column("node", "环节"),)),
            Column("basis", "归入方式"),
        ),
        MemoryRows(rows),
        find=("title", "owner", "why"),
        choices={"basis": [(name, name) for name in BASIS_NAMES.values()]},
        sort="day",
        empty="没有。",
    )


def _row(now: ChainNow, one: OnNode) -> Row:
    record: ChainRecord = now.record(one)
    return {
        "id": record.id,
        "title": record.title,
        "owner": record.owner,
        "region": record.region,
        "day": record.day,
        "node": now.figures.chain.nodes[one.node].name,
        "basis": BASIS_NAMES[Basis(one.basis)],
        "why": record.why,
    }


async def closers_part(request: Request) -> Response:
    """Show who could close a node."""
    chain, place = await _node(request)
    holders, kinds = await closers_of(services_of(request), chain, place)
    return render(request, "chains/closers.html", title="谁能补上", active="chains", holders=holders, kinds=kinds)


PAGES = (Page("/chains", page), Page("/chains/node", node_page), Page("/chains/closers", closers_part))
TABLES = (
    TableSpec("chain_nodes", nodes_table),
    TableSpec("chain_demands", demands_table),
    TableSpec("chain_supplies", supplies_table),
)
