"""A chain, its nodes and bottlenecks, ready to be sent as JSON."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from matcher.kinds.answer import KindAnswer


class ChainRecord(BaseModel):
    """A record on a node, and why it is there."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str
    title: str
    owner: str = Field(description="Holder of the achievement, or enterprise of the demand")
    region: str | None
    day: date | None = Field(description="Of the last change, else of publication")
    basis: str = Field(description="industry, within, name, text or several: what placed it, see docs/chains.md")
    why: str = Field(description="In Chinese; empty where the record is not open to the caller")


class ChainNodeAnswer(BaseModel):
    """A node of a chain with its figures."""

    model_config = ConfigDict(frozen=True)

    node: str
    name: str
    path: tuple[str, ...] = Field(description="Names from the root to it")
    parent: str = Field(description="Node above it, empty for a root")
    industry: str = Field(description="GB/T 4754 code, empty where none is stated")
    own_weight: float
    downstream_weight: float = Field(description="What depends on it, in the unit of own_weight")
    relative_weight: float = Field(description="Both together, of an average leaf below it: 1 is that of all leaves")
    demands: int = Field(description="Open demands on the node itself")
    demands_below: int = Field(description="The same with all nodes below, each record once")
    supplies: int = Field(description="Open achievements on the node and all nodes below, each once")
    owners: int
    suppliers: float = Field(description="Owners, each counted by the age of its newest supply: half after five years")
    newest: date | None
    causes: tuple[Literal["none", "few", "old", "single_owner"], ...] = Field(
        description="Why it is a bottleneck; empty: it is none"
    )
    shortage: float


class ChainSummary(BaseModel):
    """A chain that was imported."""

    model_config = ConfigDict(frozen=True)

    chain: str
    name: str
    nodes: int
    links: int
    imported_at: datetime


class ChainAnswer(BaseModel):
    """A chain with the figures of all its nodes, in the order of its file."""

    model_config = ConfigDict(frozen=True)

    chain: str
    name: str
    bundle_version: str
    demands_unplaced: int = Field(description="Open demands that are on no node")
    supplies_unplaced: int
    nodes: tuple[ChainNodeAnswer, ...]


class Bottleneck(BaseModel):
    """A bottleneck with its records, the newest supplies first; at most 50 of each."""

    model_config = ConfigDict(frozen=True)

    node: ChainNodeAnswer
    demands: tuple[ChainRecord, ...]
    supplies: tuple[ChainRecord, ...]


class BottleneckAnswer(BaseModel):
    """The bottlenecks of a chain, the greatest shortage first."""

    model_config = ConfigDict(frozen=True)

    chain: str
    name: str
    bundle_version: str
    total: int
    bottlenecks: tuple[Bottleneck, ...]


class LinkedNode(BaseModel):
    """A node that another depends on or that depends on it, with the share of the dependent one's links."""

    model_config = ConfigDict(frozen=True)

    node: str
    name: str
    share: float


class NearRecord(BaseModel):
    """A record that makes its owner one who could close a node."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str
    title: str
    probability: float | None


class NearHolder(BaseModel):
    """A holder whose achievements are nearest to a node and its demands."""

    model_config = ConfigDict(frozen=True)

    name: str
    present: bool = Field(description="Whether it already has a supply on the node")
    records: tuple[NearRecord, ...]


class NodeAnswer(BaseModel):
    """A node with its records, what it is linked to, and who could close it."""

    model_config = ConfigDict(frozen=True)

    chain: str
    name: str
    bundle_version: str
    node: ChainNodeAnswer
    demands: tuple[ChainRecord, ...]
    supplies: tuple[ChainRecord, ...]
    upstream: tuple[LinkedNode, ...]
    downstream: tuple[LinkedNode, ...]
    holders: tuple[NearHolder, ...]
    kinds: tuple[KindAnswer, ...] = Field(description="Experts, institutions and others near it, by kind")
