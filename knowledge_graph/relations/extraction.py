"""Relations between terms that the corpus shows: what occurs together, and what contains what."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from knowledge_graph.schema import Relation, TermType
from knowledge_graph.terms.vocabulary import Vocabulary

BLOCK = 2_000
"""Terms whose neighbours are computed at once; bounds the memory of the product."""


class TermEdge(NamedTuple):
    """A relation from one term to another with its confidence in (0, 1] and what speaks for it.

    `support` and `measure` mean: CO_OCCURS records that hold both, normalised PMI; SYNONYM texts that define it and
    their share, or 0 and the vectors' cosine; DEFINED_ALIKE the definitions and how far they overlap; SIMILAR 0 and the
    cosine; SUPPLIES and SUPPLIED_BY the number of the stage upstream and 1; BROADER and NARROWER 0 and the head's share
    of the longer term.
    """

    source: int
    target: int
    relation: Relation
    confidence: float
    support: int
    measure: float


def containment(vocabulary: Vocabulary) -> Iterator[TermEdge]:
    """Yield broader and narrower terms by head word: 磷酸铁锂电池 -> 锂电池 -> 电池.

    Only the longest head that is a term counts: the rest follows from it. Confidence grows with the head's share of the
    longer term, and falls where the head is so common that it says little.
    """
    common = float(vocabulary.idf.max(initial=1.0))
    for number, term in enumerate(vocabulary.terms):
        for cut in range(1, len(term) - 1):
            head = vocabulary.numbers.get(term[cut:])
            if head is None or head == number or not _splits_cleanly(term, cut):
                continue
            informative = min(1.0, float(vocabulary.idf[head]) / common * 1.5)
            share = (len(term) - cut) / len(term)
            confidence = round((0.4 + 0.6 * share) * informative, 4)
            yield TermEdge(number, head, Relation.BROADER, confidence, 0, share)
            yield TermEdge(head, number, Relation.NARROWER, confidence, 0, share)
            break


def _splits_cleanly(term: str, cut: int) -> bool:
    """Refuse to cut inside a Latin word or a number."""
    return not (term[cut - 1].isascii() and term[cut - 1].isalnum() and term[cut].isascii() and term[cut].isalnum())


def co_occurrence(
    mentions: sp.csr_array,
    vocabulary: Vocabulary,
    *,
    support: int = 3,
    least: float = 0.15,
    keep: int = 20,
    per_record: int = 24,
) -> Iterator[TermEdge]:
    """Yield pairs of terms that records hold together more often than chance.

    `mentions` (records, V) holds the terms' weights; of each record its `per_record` heaviest terms count. Confidence
    is the normalised pointwise mutual information, discounted where the support is thin; pairs below `support` common
    records or `least` confidence are left out, and of each term only the best `keep` pairs are.

    """
    presence = _heaviest(mentions, per_record)
    records = presence.shape[0]
    df = np.asarray(presence.sum(axis=0)).ravel()
    columns = presence.T.tocsr()
    for start in range(0, len(vocabulary), BLOCK):
        block = (columns[start : start + BLOCK] @ presence).tocoo()
        sources, targets, joint = block.row + start, block.col, block.data
        enough = (joint >= support) & (sources != targets)
        sources, targets, joint = sources[enough], targets[enough], joint[enough]
        probability = joint / records
        pmi = np.log(probability * records * records / (df[sources] * df[targets]))
        npmi = pmi / -np.log(probability.clip(max=0.999999))
        value = npmi * joint / (joint + 1.5)
        best = np.flatnonzero(value >= least)
        best = best[np.lexsort((targets[best], -value[best], sources[best]))]
        rank = _rank_in_group(sources[best])
        for place in best[rank < keep]:
            yield TermEdge(
                int(sources[place]),
                int(targets[place]),
                Relation.CO_OCCURS,
                round(float(min(1.0, value[place])), 4),
                int(joint[place]),
                round(float(npmi[place]), 4),
            )


def _heaviest(mentions: sp.csr_array, keep: int) -> sp.csr_array:
    """Return which terms are among the `keep` heaviest of each record, as a matrix of ones."""
    rows = np.repeat(np.arange(mentions.shape[0]), np.diff(mentions.indptr))
    order = np.lexsort((mentions.indices, -mentions.data, rows))
    chosen = order[_rank_in_group(rows[order]) < keep]
    ones = np.ones(len(chosen), dtype=np.float32)
    return sp.csr_array((ones, (rows[chosen], mentions.indices[chosen])), shape=mentions.shape)


def _rank_in_group(groups: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return for each item of a sorted array of groups its place within its group, from 0."""
    if not len(groups):
        return np.zeros(0, dtype=np.int64)
    begins = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    sizes = np.diff(np.r_[begins, len(groups)])
    return np.arange(len(groups)) - np.repeat(begins, sizes)


def supply(stages: Iterable[tuple[Sequence[int], Sequence[int], int]]) -> Iterator[TermEdge]:
    """Yield upstream-downstream pairs: `stages` holds (terms upstream, terms downstream, number of the upper stage)."""
    for upstream, downstream, stage in stages:
        for source in upstream:
            for target in downstream:
                if source != target:
                    yield TermEdge(source, target, Relation.SUPPLIES, 1.0, stage, 1.0)
                    yield TermEdge(target, source, Relation.SUPPLIED_BY, 1.0, stage, 1.0)


def contradicts(one: str, other: str, kinds: tuple[int, int] | None = None) -> bool:
    """Tell whether two alike terms exclude each other: opposite signs (正极/负极), other numbers, another type."""
    if kinds and kinds[0] != kinds[1] and TermType.OTHER not in kinds:
        return True
    digits = [[char for char in term if char.isdigit() or char in "一二三四五六七八九十"] for term in (one, other)]
    if digits[0] != digits[1]:
        return True
    letters = ["".join(char for char in term if char.isascii() and char.isalpha()) for term in (one, other)]
    if letters[0] and letters[1] and letters[0] != letters[1]:
        return True
    return any(_sign(one, a, b) * _sign(other, a, b) < 0 for a, b in _OPPOSITES)


def _sign(term: str, positive: str, negative: str) -> int:
    """Return 1 if only the positive of two opposites is in a term, -1 if only the negative is, else 0."""
    has_negative = negative in term
    has_positive = positive in (term.replace(negative, "") if has_negative else term)
    return int(has_positive) - int(has_negative)


_OPPOSITES = re.findall(
    r"(\S+)/(\S+)",
    """
    正/负 阳/阴 高/低 大/小 长/短 冷/热 干/湿 加/减 升/降 增/减 上/下 内/外 前/后 左/右 酸/碱 氧化/还原 吸/放 压缩/膨胀
    静态/动态 静/动 硬/软 轻/重 粗/细 快/慢 发射/接收 输入/输出 编码/解码 加密/解密 充电/放电 有机/无机 亲水/疏水 顺/逆
    进/出 浓/稀 合成/分解 上游/下游 主动/被动 有源/无源 直流/交流 线性/非线性 均匀/非均匀 开/闭 单/双 单/多
    """,
)
