"""Records on the nodes of a chain: by the industry or field that they state, else by the nearness of their text.

In this order, the first that gives a node:

1. industry: the node with the longest code that a stated code begins with;
2. within: of the nodes below a stated code, which says less than they do, the one whose text is nearest;
3. name: the node that is called as the stated field, or as the stated industry;
4. text: the node whose text is nearest, from `LEAST` deviations on.

Where texts decide and other nodes come within `LEAD` of the nearest, what is offered is on each of them, at most `MOST`; what
is asked for is on the lowest node above all of them (several), on none if there is no such node: a doubt makes no
bottleneck. A record that states several industries may be on several nodes. Nearness is the
cosine of the encoder's vectors, in deviations over what the same node has with the bundle's reference records.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from data.taxonomy.industries import industry_code, industry_names, sections
from data.taxonomy.industry_chain import Chain, name_key
from matcher.collection.collection import Side
from matcher.collection.columns import RecordColumns
from matcher.collection.encoded import EncodedRecords, RecordEncoder
from models.encoder.base import Kind

LEAST = 3.5
"""Deviations from which on text alone places a record."""
LEAST_WITHIN = 1.0
"""The same among nodes below an industry that the record states."""
LEAD = 0.5
"""Deviations by which the nearest node has to be nearer than any other that is not above it."""
MOST = 3
"""Nodes that the text of one supply places it on."""
_BLOCK = 8192  # records compared with all nodes at once; bounds memory
_CHILDREN = 20  # names of nodes below that say what a node is about


class Basis(IntEnum):
    """What placed a record on a node."""

    INDUSTRY = 1
    WITHIN = 2
    NAME = 3
    TEXT = 4
    SEVERAL = 5


BASIS_NAMES = {
    Basis.INDUSTRY: "所属行业",
    Basis.WITHIN: "行业内文字相近",
    Basis.NAME: "名称",
    Basis.TEXT: "文字相近",
    Basis.SEVERAL: "文字接近多个下级",
}


@dataclass(frozen=True)
class Placed:
    """m placements: `rows` (m,) of a view, ascending, `nodes` (m,) places of the chain, `basis` (m,), `nearness` (m,).

    Nearness is in deviations, NaN where no text was compared.
    """

    rows: NDArray[np.int64]
    nodes: NDArray[np.int64]
    basis: NDArray[np.int8]
    nearness: NDArray[np.float32]


@dataclass(frozen=True)
class _Nodes:
    """The texts of n nodes for records of one side: vectors (n, d), mean and deviation (n,) over the reference records."""

    vectors: FloatArray
    mean: FloatArray
    deviation: FloatArray


class Placer:
    """Places records on the nodes of one chain, in the text space of one bundle."""

    def __init__(self, chain: Chain, encoder: RecordEncoder) -> None:
        self.chain = chain
        self.texts = [node_text(chain, place) for place in range(len(chain.nodes))]
        self._sides: dict[Side, _Nodes] = {
            "achievements": self._encoded(encoder, encoder.reference_achievements.full.vectors, "query"),
            "demands": self._encoded(encoder, encoder.reference_demands.full.vectors, "passage"),
        }
        self._by_name: dict[str, int] = {}
        for place, node in enumerate(chain.nodes):  # of two nodes of one name the lower one, which comes later
            self._by_name[node.key] = place
        self._by_code: dict[str, list[int]] = {}
        for place, node in enumerate(chain.nodes):
            if node.industry:
                self._by_code.setdefault(node.industry, []).append(place)

    def _encoded(self, encoder: RecordEncoder, reference: FloatArray, kind: Kind) -> _Nodes:
        vectors = encoder.space.encoder.encode(self.texts, kind)
        if not len(reference):
            return _Nodes(vectors, np.zeros(len(vectors), np.float32), np.ones(len(vectors), np.float32))
        cosines = vectors @ np.asarray(reference).T
        return _Nodes(vectors, cosines.mean(axis=1), np.maximum(cosines.std(axis=1), 1e-3))

    def place(self, view: EncodedRecords, side: Side, among: NDArray[np.bool_]) -> Placed:
        """Return the placements of the records of a view for which `among` (n,) is true; some are on no node."""
        found: list[tuple[int, int, int, float]] = []
        by_text: dict[int, tuple[Basis, NDArray[np.int64] | None]] = {}
        stated: dict[tuple[tuple[str, ...], str], tuple[Basis, list[int]]] = {}
        fields, industries = view.cards.fields, view.cards.industries
        for row in np.flatnonzero(among).tolist():
            key = tuple(industries[row]), str(fields[row])
            if key not in stated:
                stated[key] = self._stated(*key)
            basis, nodes = stated[key]
            if basis in (Basis.INDUSTRY, Basis.NAME):
                found += [(row, node, basis, np.nan) for node in nodes]
            else:
                by_text[row] = basis, np.array(nodes, dtype=np.int64) if basis is Basis.WITHIN else None
        found += self._by_text(view, side, by_text)
        found.sort(key=lambda one: one[:2])
        columns = list(zip(*found, strict=True)) or [(), (), (), ()]
        return Placed(
            np.array(columns[0], dtype=np.int64),
            np.array(columns[1], dtype=np.int64),
            np.array(columns[2], dtype=np.int8),
            np.array(columns[3], dtype=np.float32),
        )

    def _by_text(
        self, view: EncodedRecords, side: Side, wanted: dict[int, tuple[Basis, NDArray[np.int64] | None]]
    ) -> list[tuple[int, int, int, float]]:
        nodes, found = self._sides[side], []
        rows = np.array(list(wanted), dtype=np.int64)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            vectors = np.asarray(view.texts.full.vectors)[block]
            nearness = (vectors @ nodes.vectors.T - nodes.mean) / nodes.deviation
            nearness[~vectors.any(axis=1)] = -np.inf  # a record without text is near nothing
            for place, row in enumerate(block.tolist()):
                basis, among = wanted[row]
                values = nearness[place] if among is None else nearness[place][among]
                best = float(values.max())
                if best < (LEAST if among is None else LEAST_WITHIN):
                    continue
                near = np.flatnonzero(values >= best - LEAD)
                near = near[np.argsort(-values[near], kind="stable")]
                places = (near if among is None else among[near]).tolist()
                if side == "achievements":
                    line = set(self.chain.above(places[0])) - {places[0]}  # what is above the nearest says less
                    kept = [(one, float(values[at])) for one, at in zip(places, near, strict=True) if one not in line]
                    found += [(row, one, int(basis), value) for one, value in kept[:MOST]]
                elif (node := self._common(places)) >= 0:
                    found.append((row, node, int(basis if node in places else Basis.SEVERAL), best))
        return found

    def _common(self, places: Sequence[int]) -> int:
        """Return the lowest node at or above the first and all others, those above it aside; -1 for none."""
        line = list(self.chain.above(places[0]))
        for other in places[1:]:
            if other not in line:
                above = set(self.chain.above(other))
                line = [one for one in line if one in above]
        return line[0] if line else -1

    def _stated(self, industries: Sequence[str], field: str) -> tuple[Basis, list[int]]:
        """Return the nodes that stated industries and field give, or that they leave to choose from; TEXT: all nodes."""
        codes = [code for stated in industries if (code := industry_code(stated))]
        exact = {place for code in codes for place in self._at_or_above(code)}
        if exact:
            return Basis.INDUSTRY, sorted(exact)
        below = {place for code in codes for place in self._below(code)}
        if below:
            return Basis.WITHIN, sorted(below)
        names = [field, *(industry_names().get(code[:2], "") for code in codes)]
        named = {self._by_name[key] for name in names if (key := name_key(name)) and key in self._by_name}
        return (Basis.NAME, sorted(named)) if named else (Basis.TEXT, [])

    def _at_or_above(self, code: str) -> list[int]:
        """Return the nodes with the longest code that `code` begins with; a section is what all its divisions begin with."""
        for end in range(len(code), 1, -1):
            if code[:end] in self._by_code:
                return self._by_code[code[:end]]
        return self._by_code.get(code if code.isalpha() else sections()[code[:2]], [])

    def _below(self, code: str) -> list[int]:
        found = []
        for own, places in self._by_code.items():
            if own.isalpha():
                continue
            inside = sections()[own[:2]] == code if code.isalpha() else own.startswith(code)
            if inside:
                found += places
        return found

    def why(self, cards: RecordColumns, row: int, node: int, basis: Basis, nearness: float) -> str:
        """Return in Chinese why a record is on a node."""
        name = self.chain.nodes[node].plain_name
        stated = [code for code in cards.industries[row] if industry_code(code)]
        if basis is Basis.INDUSTRY:
            own = self.chain.nodes[node].industry
            code = next((one for one in stated if own in (self._matched(one))), stated[0])
            return f"所属行业 {code}，环节的行业代码 {own}"
        if basis is Basis.WITHIN:
            return f"所属行业 {'、'.join(stated)} 之内，文字最接近“{name}”（高出参照记录 {nearness:.1f} 个标准差）"
        if basis is Basis.NAME:
            return f"所述领域或行业的名称即“{name}”"
        if basis is Basis.SEVERAL:
            return f"文字接近“{name}”之下的几个环节，难分先后（最高者高出参照记录 {nearness:.1f} 个标准差）"
        return f"文字最接近“{name}”（高出参照记录 {nearness:.1f} 个标准差）"

    def _matched(self, stated: str) -> set[str]:
        code = industry_code(stated)
        return {self.chain.nodes[place].industry for place in self._at_or_above(code)} if code else set()


def node_text(chain: Chain, place: int) -> str:
    """Return what is compared with records' texts: a node's name, what it is about, the names below it, that above it."""
    node, parent = chain.nodes[place], chain.parents[place]
    below = [chain.nodes[one].plain_name for one in chain.children[place][:_CHILDREN]]
    above = [chain.nodes[parent].plain_name] if parent >= 0 and not below else []
    return " ".join(filter(None, (node.plain_name, node.about, *below, *above)))
