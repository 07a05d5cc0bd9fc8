"""What a term names: material, method, effect, product or application, by its head and by the words around it."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.schema import TermType
from knowledge_graph.terms.tagging import Word
from knowledge_graph.terms.vocabulary import occurrences, term_lookup

_VERBS = """
EFFECT 提高 提升 降低 减少 减小 增加 增强 改善 避免 防止 缩短 延长 解决 克服 抑制 消除
METHOD 采用 利用 使用 运用 通过 基于 借助 结合 引入
APPLICATION 用于 应用于 适用于 面向 针对 服务于 应用 推广到
MATERIAL 以 加入 添加 掺入 含有 掺杂 包覆 投加 混合 制备 合成
PRODUCT 研制 开发 生产 制造 研发 设计 购买 安装
"""
_BEFORE = {verb: TermType[row.split()[0]] for row in _VERBS.strip().splitlines() for verb in row.split()[1:]}
"""The type that a verb tells of the term after it."""
SUFFIX_VOTE = 3.0
LEAST_SHARE = 0.45
"""A type needs this share of all votes, and at least `SUFFIX_VOTE` of them."""


@lru_cache(maxsize=1)
def _suffixes() -> tuple[dict[str, TermType], int]:
    """Return the type of each head and the length of the longest; a head listed twice keeps its first type."""
    text = (resources.files("knowledge_graph") / "lexicon" / "type_suffixes.json").read_text(encoding="utf-8")
    table: dict[str, TermType] = {}
    for name, heads in json.loads(text).items():
        for head in heads:
            table.setdefault(head, TermType[name])
    return table, max(map(len, table))


def type_by_head(term: str) -> TermType:
    """Return the type that the term's longest known ending tells, OTHER if none does."""
    table, longest = _suffixes()
    for length in range(min(longest, len(term)), 0, -1):
        found = table.get(term[-length:])
        if found is not None:
            return found
    return TermType.OTHER


class TypeVotes:
    """Counts what the words before each term say of it, over a corpus."""

    def __init__(self, terms: Sequence[str]) -> None:
        self._lookup = term_lookup(terms)
        self._votes: NDArray[np.float32] = np.zeros((len(terms), len(TermType)), dtype=np.float32)

    def add(self, words: Sequence[Word]) -> None:
        """Take in one tagged text: a verb of a known kind up to two words before a term votes for a type."""
        for number, first, _, nested in occurrences(words, self._lookup):
            if nested:
                continue
            for word in words[max(0, first - 2) : first]:
                kind = _BEFORE.get(word.text)
                if kind is not None:
                    self._votes[number, kind] += 1.0

    def take_in(self, others: "TypeVotes") -> None:
        """Add the votes that another count over the same terms found."""
        self._votes += others._votes

    def decide(self, terms: Iterable[str]) -> NDArray[np.int8]:
        """Return the `TermType` of each term (V,) by the votes of its head and contexts, OTHER if they disagree."""
        votes = self._votes.copy()
        # contexts are weaker evidence than the head: together they count at most twice as much
        total = votes.sum(axis=1, keepdims=True)
        votes *= np.minimum(1.0, 2 * SUFFIX_VOTE / np.maximum(total, 1e-9))
        for number, term in enumerate(terms):
            kind = type_by_head(term)
            if kind is not TermType.OTHER:
                votes[number, kind] += SUFFIX_VOTE
        best = votes.argmax(axis=1)
        sums = votes.sum(axis=1)
        top = votes[np.arange(len(votes)), best]
        sure = (top >= SUFFIX_VOTE) & (top >= LEAST_SHARE * sums)
        return np.where(sure, best, TermType.OTHER).astype(np.int8)
