"""An industry chain: a tree of nodes, with links from nodes to what they need upstream. Links may form loops."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

from data.errors import InputError

MAX_NODES = 5_000
MAX_LINKS = 200_000
_NOT_WORD = re.compile(r"[\W_]+")
_LEVEL = re.compile(r"[ⅠⅡⅢⅣ]+$")


@dataclass(frozen=True)
class ChainNode:
    """A node: `parent` is an id, "" for a root; `industry` a GB/T 4754 code without its letter, "" where none is stated.

    `weight` is its own weight in any unit (firms, output), None where the file does not say; `about` says more than the name.
    """

    id: str
    name: str
    parent: str = ""
    industry: str = ""
    weight: float | None = None
    about: str = ""

    @property
    def plain_name(self) -> str:
        """The name without the numeral of its level, which some classifications append (林业Ⅲ)."""
        return _LEVEL.sub("", self.name)

    @property
    def key(self) -> str:
        """What two spellings of the name have in common."""
        return name_key(self.plain_name)


@dataclass(frozen=True)
class ChainLink:
    """What `node` needs of `upstream`; `weight` > 0 compares the links of one node."""

    node: str
    upstream: str
    weight: float


@dataclass(frozen=True)
class Chain:
    """Nodes by id, in the order of their file, and links between them.

    Raises:
        InputError: ids repeat, a parent is missing or its own descendant, an end of a link is no node, a weight is
            negative, or there is too much of it.

    """

    id: str
    name: str
    nodes: tuple[ChainNode, ...]
    links: tuple[ChainLink, ...] = ()

    def __post_init__(self) -> None:
        if not self.nodes:
            raise InputError("a chain needs at least one node", "产业链至少要有一个环节")
        if len(self.nodes) > MAX_NODES or len(self.links) > MAX_LINKS:
            raise InputError(
                f"{len(self.nodes)} nodes and {len(self.links)} links; at most {MAX_NODES} and {MAX_LINKS} are taken",
                f"{len(self.nodes)} 个环节、{len(self.links)} 条上下游关系，最多 {MAX_NODES} 个、{MAX_LINKS} 条",
            )
        if len(self.places) < len(self.nodes):
            twice = Counter(one.id for one in self.nodes).most_common(1)[0][0]
            raise InputError(f"node {twice!r} is given twice", f"环节编号“{twice}”重复")
        for one in self.nodes:
            if one.parent and one.parent not in self.places:
                raise InputError(
                    f"node {one.id!r} has the parent {one.parent!r}, which is no node; leave it empty for a root",
                    f"环节“{one.id}”的上级“{one.parent}”不存在；最上级请留空",
                )
            if one.weight is not None and not 0 <= one.weight < float("inf"):
                raise InputError(
                    f"node {one.id!r} has the weight {one.weight}; give a number from 0 on",
                    f"环节“{one.id}”的权重 {one.weight} 无效，须不小于 0",
                )
        for number in range(len(self.nodes)):
            above = number
            for _ in self.nodes:
                above = self.parents[above]
                if above < 0:
                    break
            else:
                raise InputError(
                    f"node {self.nodes[number].id!r} is above itself; a tree has no loops",
                    f"环节“{self.nodes[number].id}”的上级又在它自己之下；层级不能成环",
                )
        for link in self.links:
            if link.node not in self.places or link.upstream not in self.places or not 0 < link.weight < float("inf"):
                raise InputError(
                    f"link {link.node!r} to {link.upstream!r}, weight {link.weight}: both must be nodes, the weight above 0",
                    f"上下游关系“{link.node}”→“{link.upstream}”（权重 {link.weight}）无效：两端须为环节，权重须大于 0",
                )

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each node by id."""
        return {one.id: place for place, one in enumerate(self.nodes)}

    @cached_property
    def parents(self) -> tuple[int, ...]:
        """Place of each node's parent, -1 for a root."""
        return tuple(self.places[one.parent] if one.parent else -1 for one in self.nodes)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Places of the nodes right below each node."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for place, parent in enumerate(self.parents):
            if parent >= 0:
                found[parent].append(place)
        return tuple(map(tuple, found))

    def above(self, place: int) -> Iterator[int]:
        """Yield a node's place, its parent's, and so on to the root."""
        while place >= 0:
            yield place
            place = self.parents[place]

    def path(self, place: int) -> tuple[str, ...]:
        """Return the names from the root to a node."""
        return tuple(self.nodes[one].name for one in self.above(place))[::-1]

    def document(self) -> dict[str, Any]:
        """Return the chain as plain values; what is empty is left out."""
        nodes = [{name: value for name, value in asdict(one).items() if value not in ("", None)} for one in self.nodes]
        return {"id": self.id, "name": self.name, "nodes": nodes, "links": [asdict(one) for one in self.links]}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Return the chain of a document."""
        nodes = tuple(ChainNode(**one) for one in document["nodes"])
        return cls(document["id"], document["name"], nodes, tuple(ChainLink(**one) for one in document["links"]))


def name_key(name: str) -> str:
    """Return a name without punctuation and spaces."""
    return _NOT_WORD.sub("", name)
