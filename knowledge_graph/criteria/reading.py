"""Criteria of a condition text: sentences, clauses, figures, tests, and whether facts or people decide."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from knowledge_graph.criteria.clauses import (
    Features,
    boundary_features,
    clause_features,
    probability,
    shipped_weights,
    split_clauses,
)
from knowledge_graph.criteria.conditions import build_test, is_factual
from knowledge_graph.criteria.figures import Figure, find_figures, mask
from knowledge_graph.criteria.sections import Sentence, split_sentences
from knowledge_graph.criteria.tiers import merge_alternatives
from knowledge_graph.criteria.types import Criterion, Kind, Role
from knowledge_graph.quantities.folding import fold

MAX_CHARACTERS = 100_000
_LEGAL_FORM = re.compile(r"^(?:且|并)?(?:具有|具备)(?:独立)?(?:企业)?法人(?:资格|地位)")
_JOINS = re.compile(
    r"^(?:或者?|以及)(?!有)|^(?:包括|如)[:：\u4e00-\u9fff]|除外$|^\d{1,6}(?!\d{0,3}年(?!以|\())|^(?:不含|含)"
)
_FRAGMENT = re.compile(
    r"^(?:近|最近|上一?|每)?[一二两三四五六七八九十\d]{0,2}个?(?:年|年度|会计年度)(?:来|内|度)?$|的$|时$|(?:起始日|之日起?|日止|申报时|日期)$|^(?:如有?|若|对于?|在|按照|根据|除|经|其中).{0,40}$"
)
_CONDITIONAL = re.compile(r"的(?:企业|单位|机构|项目)?$")
_IGNORED = re.compile(r"^(?:其中|另外|此外|具体|等)$|^(?:并)?鼓励|每[件项个次]\d{1,3}分$")
_DEFINITION = re.compile(r"^(?:其中[，,]?)?[^，,]{2,24}?(?:是指|指的是|□指|”指)|^(?:分值)?计算方法|以下简称")
_PREFERENCE = re.compile(r"优先(?:给予)?(?:支持|认定|考虑|资助|推荐|补助)|同等条件下")
_WISHED = re.compile(rf"{_PREFERENCE.pattern}|鼓励")
_CATCH_ALL = re.compile(r"其他[^，,。；;]{0,24}条件[)）]?$")


# a clause that states a fact is a criterion unless its words speak strongly against it
FACTUAL = 0.15


@dataclass(frozen=True, slots=True)
class Run:
    """One or more neighbouring clauses of a sentence, read as one condition: place, figures, features."""

    start: int
    end: int
    sentence: Sentence
    figures: tuple[Figure, ...]
    features: Features


@dataclass(frozen=True, slots=True)
class Comma:
    """A comma between two clauses: where it is, its features, and whether it cuts where the words leave no choice."""

    at: int
    features: Features
    forced: bool | None


def _figures_of(masked: str, start: int, end: int) -> tuple[Figure, ...]:
    return tuple(find_figures(masked, start, end))


def commas_of(masked: str, sentence: Sentence) -> list[Comma]:
    """Return the commas of a sentence with what each is judged by."""
    clauses = split_clauses(masked, sentence.start, sentence.end)
    found = []
    for (low, high), (after, stop) in pairwise(clauses):
        before, behind = masked[low:high], masked[after:stop]
        figures = _figures_of(masked, low, high)
        following = _figures_of(masked, after, stop)
        features = boundary_features(before, behind, len(figures), len(following))
        forced: bool | None = None
        if _JOINS.search(behind) or _FRAGMENT.search(before) or (figures and _CONDITIONAL.search(before)):
            forced = False
        elif (figures and following) or _LEGAL_FORM.match(behind):
            forced = True
        found.append(Comma(high, features, forced))
    return found


def runs_of(masked: str, sentence: Sentence, cuts: list[int]) -> list[Run]:
    """Return the runs of clauses of a sentence that is cut at the commas `cuts`, with their features."""
    edges = [sentence.start, *(cut + 1 for cut in cuts), sentence.end + 1]
    runs = []
    for place, (edge, following) in enumerate(pairwise(edges)):
        stop = min(following - 1, sentence.end)
        low = edge + len(masked[edge:stop]) - len(masked[edge:stop].lstrip(" ，,"))
        end = low + len(masked[low:stop].rstrip(" ，,。；;：:"))
        if end - low < 2:
            continue
        figures = _figures_of(masked, low, end)
        features = clause_features(
            masked[low:end], sentence.mode, first=place == 0, last=place == len(edges) - 2, figures=len(figures),
            branch=sentence.branch,
        )  # fmt: skip
        runs.append(Run(low, end, sentence, figures, features))
    return runs


def read_runs(text: str, weights: Mapping[str, Features]) -> list[Run]:
    """Return the runs of clauses of a text, cut where the weights say."""
    masked = mask(text)
    runs: list[Run] = []
    for sentence in split_sentences(text):
        cuts = [
            comma.at
            for comma in commas_of(masked, sentence)
            if (probability(weights["boundary"], comma.features) >= 0.5 if comma.forced is None else comma.forced)
        ]
        runs += runs_of(masked, sentence, cuts)
    return runs


def read_span(text: str, start: int, end: int, source: str = "conditions", region: int = 0) -> Criterion | None:
    """Return what the words of [start, end) require of facts, read below the headings above them; None if of no fact.

    Whoever points at the words says that they state a condition: only what they require is read. They must lie in one
    sentence.
    """
    sentence = next((one for one in split_sentences(text) if one.start <= start and end <= one.end), None)
    if sentence is None:
        return None
    masked = mask(text)
    topic = sentence.topic or sentence.branch.split("：")[-1]
    figures = list(_figures_of(masked, start, end))
    excluded = sentence.mode == "excluded"
    test = build_test(masked, fold(text), start, end, figures, region, topic, excluded=excluded)
    if not is_factual(test):
        return None
    wished = sentence.mode == "preferred" or _WISHED.search(masked, sentence.start, sentence.end)
    role: Role = "preference" if wished else "requirement"
    return Criterion("hard", test, text[start:end], start, end, source, sentence.branch, role)


def read_criteria(
    text: str, source: str = "conditions", region: int = 0, weights: Mapping[str, Features] | None = None
) -> list[Criterion]:
    """Return the criteria that the condition text of a policy states, in the order of the text.

    `source` names the field that was read, `region` is the GB/T 2260 code that 本市 means (0: unknown), `weights` are
    the shipped ones if None.

    Raises:
        ValueError: the text is longer than `MAX_CHARACTERS`.

    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"a condition text has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    chosen = shipped_weights() if weights is None else weights
    masked = mask(text)
    found: list[Criterion] = []
    plain = fold(text)
    defined = -1  # the item from here on defines a word
    for run in read_runs(text, chosen):
        if _IGNORED.search(masked[run.start : run.end]):
            continue
        sentence = run.sentence
        topic = sentence.topic or sentence.branch.split("：")[-1]
        excluded = sentence.mode == "excluded"
        test = build_test(masked, plain, run.start, run.end, list(run.figures), region, topic, excluded=excluded)
        factual = is_factual(test)
        if probability(chosen["criterion"], run.features) < (FACTUAL if factual else 0.5):
            continue
        hard = factual or probability(chosen["hard"], run.features) >= 0.5
        kind: Kind = "hard" if hard and not _CATCH_ALL.search(masked, run.start, run.end) else "judgement"
        criterion = Criterion(kind, test, text[run.start : run.end], run.start, run.end, source, sentence.branch)
        words = masked[run.start : run.end]
        defined = sentence.item if _DEFINITION.search(words) or defined == sentence.item else -1
        if sentence.mode == "preferred" or _PREFERENCE.search(words):
            criterion = replace(criterion, role="preference")
        elif defined == sentence.item:
            criterion = replace(criterion, role="definition")
        found.append(criterion)
    return merge_alternatives(found, masked, text)
