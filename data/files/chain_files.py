"""Files of an industry chain: tables of nodes and tables of links, recognised by their headers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.files.reading.readers import open_tables
from data.taxonomy.industries import industry_code, sections
from data.taxonomy.industry_chain import Chain, ChainLink, ChainNode, name_key

# Headers of a table of nodes, in lower case.
_NODE = {
    "id": ("id", "node_id", "code", "编号", "代码", "节点编号", "环节编号", "行业编号"),
    "name": ("name", "名称", "环节", "环节名称", "节点", "节点名称", "行业", "行业名称"),
    "parent": (
        *("parent_id", "parent_code", "parent", "上级", "上级编号", "上级代码", "上级环节"),
        *("父级", "父节点", "父级编号"),
    ),
    "industry": (
        *("gbt4754_code", "gbt4754", "industry_code", "行业代码", "国民经济行业代码", "国标行业代码"),
        *("国民经济行业", "gb/t 4754"),
    ),
    "weight": ("weight", "companies", "权重", "企业数", "企业数量", "企业家数", "产值", "规模"),
    "about": ("about", "description", "remark", "keywords", "说明", "描述", "简介", "备注", "关键词"),
}
# Headers of a table of links; what it needs makes it one.
_LINK = {
    "node": ("industry", "node", "downstream", "downstream_industry", "行业", "环节", "下游", "下游环节", "下游行业"),
    "upstream": ("upstream", "upstream_industry", "上游", "上游环节", "上游行业"),
    "weight": ("weight", "权重", "强度"),
}
_ROOTS = ("0", "-1", "-", "无")  # what a root has for a parent, unless a node is called so
MOST_NAMED = 3


@dataclass
class ReadChain:
    """What the files of a chain come to: the chain, and in Chinese what of them was left out or taken in some way."""

    chain: Chain
    notes: list[str] = field(default_factory=list)


def read_chain(paths: Iterable[Path], chain_id: str, name: str) -> ReadChain:
    """Return the chain that files describe, whatever their order.

    A table with a column for what is upstream holds links, whose ends are ids or names of nodes; any other holds nodes.
    Nodes given in several files are one: what one leaves empty another fills. Links to what is no node are left out and
    noted.

    Raises:
        InputError: a file cannot be read, has no column for names, contradicts another, or the chain is none.

    """
    rows: dict[str, dict[str, Any]] = {}
    links: list[tuple[str, str, float]] = []
    notes: list[str] = []
    for path in paths:
        with open_tables(path) as tables:
            for table in tables:
                headers = {header.strip().lower(): header for header in table.headers}
                is_links = any(word in headers for word in _LINK["upstream"])
                columns = _columns(headers, _LINK if is_links else _NODE)
                missing = [one for one in (("node",) if is_links else ("name",)) if one not in columns]
                if missing:
                    raise InputError(
                        f"{path} has no column for {missing[0]}; headers: {', '.join(table.headers)}",
                        f"{path} 缺少{'环节' if is_links else '名称'}列；表头有：{'、'.join(table.headers)}",
                    )
                for row in table.rows:
                    if row.skipped:
                        continue
                    cells = {one: _text(row.cells.get(header)) for one, header in columns.items()}
                    where = f"{path} 第 {row.number} 行"
                    if is_links:
                        links.append((cells["node"], cells["upstream"], _number(cells.get("weight", ""), where) or 1.0))
                    else:
                        _take_in(rows, cells, where)
    for own, cells in rows.items():
        above = cells.get("parent", own)
        if above == own or (above in _ROOTS and above not in rows):
            cells.pop("parent", None)
    coded = _coded(rows)
    if coded:
        notes.append("环节编号即 GB/T 4754 代码，按所属行业归入环节")
    nodes = tuple(_node(one, cells, coded=coded) for one, cells in rows.items())
    if not nodes:
        raise InputError("the files hold no nodes; give a table with id, name and parent", "文件里没有环节")
    chain = Chain(chain_id, name, nodes, _links(nodes, links, notes))
    return ReadChain(chain, [*notes, *_sums(chain)])


def _sums(chain: Chain) -> list[str]:
    """Note the nodes whose stated weight is not the sum of those right below, which is what counts."""
    said: list[float] = [0.0] * len(chain.nodes)
    wrong: list[str] = []
    # Farther down first: what a node does not say is known from those below it.
    for place in sorted(range(len(said)), key=lambda one: -len(chain.path(one))):
        node, below = chain.nodes[place], chain.children[place]
        total = sum(said[one] for one in below) if below else 1.0
        said[place] = total if node.weight is None else node.weight
        if below and said[place] != total:
            wrong.append(f"{node.name}（{said[place]:,.10g}，其下合计 {total:,.10g}）")
    if not wrong:
        return []
    named = "、".join(wrong[:MOST_NAMED])
    return [f"{len(wrong)} 个环节的权重不等于其下之和，以其下为准：{named}{'等' if len(wrong) > MOST_NAMED else ''}"]


def _columns(headers: Mapping[str, str], words: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the header of each column that is there; one header serves one column."""
    found: dict[str, str] = {}
    for column, spellings in words.items():
        header = next(
            (headers[one] for one in spellings if one in headers and headers[one] not in found.values()), None
        )
        if header is not None:
            found[column] = header
    return found


def _take_in(rows: dict[str, dict[str, Any]], cells: dict[str, str], where: str) -> None:
    own = cells.get("id") or cells["name"]
    if not own:
        return
    known = rows.setdefault(own, {"where": where})
    for column, value in cells.items():
        if column == "id" or not value:
            continue
        read = _number(value, where) if column == "weight" else value
        before = known.setdefault(column, read)
        if before != read:
            raise InputError(
                f"{where}: node {own!r} has the {column} {read!r} here and {before!r} in {known['where']}",
                f"{where}：环节“{own}”此处为“{read}”，{known['where']} 为“{before}”",
            )


def _coded(rows: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether ids are codes of GB/T 4754: all are, and the roots are letters of its sections."""
    if any("industry" in cells for cells in rows.values()):
        return False
    roots = [one for one, cells in rows.items() if "parent" not in cells]
    return set(roots) <= set(sections().values()) and all(industry_code(one) == one for one in rows)


def _node(own: str, cells: Mapping[str, Any], *, coded: bool) -> ChainNode:
    if "name" not in cells:
        raise InputError(f"{cells['where']}: node {own!r} has no name", f"{cells['where']}：环节“{own}”没有名称")
    stated = own if coded else cells.get("industry", "")
    return ChainNode(
        own,
        cells["name"],
        cells.get("parent", ""),
        (industry_code(stated) or "") if stated else "",
        cells.get("weight"),
        cells.get("about", ""),
    )


def _links(
    nodes: tuple[ChainNode, ...], given: list[tuple[str, str, float]], notes: list[str]
) -> tuple[ChainLink, ...]:
    """Return the links between nodes, those of the same ends as one; the others are noted."""
    ids = {one.id: one.id for one in nodes}
    # Of two nodes of one name, a class and what it is divided into, the lower one comes later and is meant.
    by_name = {name_key(one.name): one.id for one in nodes}
    weights: dict[tuple[str, str], float] = {}
    unknown: dict[str, int] = {}
    own, without = 0, 0
    for node, upstream, weight in given:
        ends = [ids.get(end) or by_name.get(name_key(end)) for end in (node, upstream)]
        for end, found in zip((node, upstream), ends, strict=True):
            if found is None:
                unknown[end] = unknown.get(end, 0) + 1
        if ends[0] is None or ends[1] is None:
            continue
        if ends[0] == ends[1]:
            own += 1
        elif weight <= 0:
            without += 1
        else:
            weights[ends[0], ends[1]] = weights.get((ends[0], ends[1]), 0.0) + weight
    if given and not weights:
        near = get_close_matches(given[0][0], [one.name for one in nodes], n=MOST_NAMED, cutoff=0.3)
        raise InputError(
            f"no link has two known ends; {given[0][0]!r} is no node, nearest: {', '.join(near) or 'none'}",
            f"上下游关系的两端都对不上环节；没有环节“{given[0][0]}”，最接近的是：{'、'.join(near) or '无'}",
        )
    if unknown:
        named = "、".join(sorted(unknown, key=lambda one: (-unknown[one], one))[:MOST_NAMED])
        notes.append(
            f"{sum(unknown.values())} 条关系的一端不是环节，未采用：{named}{'等' if len(unknown) > MOST_NAMED else ''}"
        )
    if own:
        notes.append(f"{own} 条关系的两端是同一环节，未采用")
    if without:
        notes.append(f"{without} 条关系的权重不大于 0，未采用")
    return tuple(ChainLink(node, upstream, weight) for (node, upstream), weight in weights.items())


def _text(cell: Any) -> str:
    """Return a cell as text; a spreadsheet's 63.0 is 63."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "").replace("，", ""))
    except ValueError as error:
        raise InputError(f"{where}: {text!r} is no weight", f"{where}：权重“{text}”不是数") from error
