"""What texts state of terms: another name (简称, 又称), a gloss in Latin script, a defining phrase (是指, 定义为)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import NamedTuple

from data.text.segment import content_words
from knowledge_graph.relations.extraction import TermEdge, contradicts
from knowledge_graph.schema import Relation
from knowledge_graph.terms.phrases import general_words, is_inside
from knowledge_graph.terms.tagging import Word, tag
from knowledge_graph.terms.vocabulary import Vocabulary

_BRACKET = re.compile(r"\(([^()]{2,80})\)")
_CLOSING_BRACKETS = re.compile(r"(?:\([^()]{1,80}\)|[\s\"“”,])+$")
_NAMED = re.compile(
    r"(?:以下简称|简称|又称|也称|亦称|也被称|俗称|又名|也叫|又叫|别名|学名|缩写)(?:之?为|叫|是)?[:\"“]?"
    r"((?:[\u3400-\u9fffA-Za-z0-9\-]{2,16}[\"”]?[、或和]?){1,5})(?![\u3400-\u9fffA-Za-z0-9\-+])"
)
_NAME_ENDS = re.compile(r"[\"”、或和]+")
_NEGATION = re.compile("[不非无未]")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9\-]{1,11}")
_LABEL = re.compile(r"[a-z]{0,2}\d+[a-z]?")  # C1, T2: what a text calls its samples
_CHINESE = re.compile("[\u3400-\u9fff]{2,12}")
_GLOSS_WORD = re.compile(r"[a-z]{2,}")
_LEAST_GLOSS = 8
_DEFINED = re.compile(r"(?:是指|指的是|定义为|是一[种类个])([^。;!?]{8,100})")
_LEAST_WORDS = 5
"""Content words of a defining phrase: a shorter one (是一种新型材料) fits too many things."""
_LEAST_OVERLAP = 0.75
_MOST_SHARING = 3
"""Terms that one gloss or phrase may define; what more share is a kind, not a meaning."""
_ATTRIBUTES = "nabgijlsfmqke"
"""First letters of the parts of speech that extend a term to the left; a verb may as well govern it, a longer one."""
_JOINTS = "-/·"
_UNIT = re.compile(r"[kmcdhμn]?(?:g|m|l|w|v|a|hz|pa|mol)|min|ha|hm|db")
_LEAST_ALIKE = 0.5
"""Characters that two terms of the same abbreviation must share: HA is 透明质酸 and 羟基磷灰石."""
_BEFORE = 24
"""Characters looked at for the term that a name or definition belongs to."""


class _Shared(NamedTuple):
    """Two terms defined alike: how many definitions they have together, and how much those overlap in (0, 1]."""

    one: int
    other: int
    support: int
    overlap: float


def namings(text: str, vocabulary: Vocabulary) -> Iterator[tuple[int, int]]:
    """Yield (term, other name) pairs that normalised `text` states: 磷酸铁锂(LFP), 内毒素又称脂多糖."""
    names: list[tuple[int, str]] = []
    for match in _BRACKET.finditer(text):
        for inside in map(str.strip, match.group(1).split(",")):
            # a plain bracket names a thing only across scripts: (常州) after a firm is a place, (LFP) after 磷酸铁锂 its name
            if (_LATIN.fullmatch(inside) and inside.upper() == inside) or _across(text[: match.start()], inside):
                names.append((match.start(), inside))
    for match in _NAMED.finditer(text):
        place = match.start()
        bracket = text.rfind("(", 0, place)
        if bracket >= 0 and ")" not in text[bracket:place]:
            place = bracket  # 挥发性有机物(以下简称VOCs): the name precedes the bracket
        names += [(place, name.removesuffix("等")) for name in _NAME_ENDS.split(match.group(1)) if name]
    for place, name in names:
        other = vocabulary.numbers.get(name.lower())
        if other is None:
            continue
        term = _term_before(text[max(0, place - _BEFORE) : place], vocabulary)
        if term is not None and other != term and _may_name(name, vocabulary.terms[term]):
            yield term, other


def glosses(text: str, vocabulary: Vocabulary) -> Iterator[tuple[int, str]]:
    """Yield (term, gloss) for brackets in Latin script: 挥发性有机物(volatile organic compounds, VOCs)."""
    for match in _BRACKET.finditer(text):
        gloss = _gloss(match.group(1))
        if gloss:
            term = _term_before(text[max(0, match.start() - _BEFORE) : match.start()], vocabulary)
            if term is not None:
                yield term, gloss


def _gloss(inside: str) -> str:
    """Return the words of a bracket's first part where it is Latin throughout, singular and in lower case, else ""."""
    first = re.split("[,;]", inside, maxsplit=1)[0].lower()
    if _CHINESE.search(first) or any(map(str.isdigit, first)):
        return ""
    found = [word[:-1] if word.endswith("s") and len(word) > 3 else word for word in _GLOSS_WORD.findall(first)]
    return " ".join(found) if len(found) > 1 and sum(map(len, found)) >= _LEAST_GLOSS else ""


def explanations(text: str, vocabulary: Vocabulary) -> Iterator[tuple[int, frozenset[str]]]:
    """Yield (term, content words of the phrase) for terms that `text` explains: 污泥干化是指…, 污泥干化定义为…."""
    for match in _DEFINED.finditer(text):
        before = _CLOSING_BRACKETS.sub("", text[max(0, match.start() - _BEFORE) : match.start()])
        term = _term_before(before, vocabulary)
        if term is None:
            continue
        words = frozenset(content_words(match.group(1)))
        if len(words) >= _LEAST_WORDS:
            yield term, words


@dataclass
class Statements:
    """What texts state: names of terms with the texts that do, terms by gloss, and terms with their defining words."""

    named: Counter[tuple[int, int]] = field(default_factory=Counter)
    glossed: dict[str, Counter[int]] = field(default_factory=dict)
    explained: list[tuple[int, frozenset[str]]] = field(default_factory=list)

    def read(self, text: str, vocabulary: Vocabulary) -> None:
        """Take in what one normalised text states."""
        if "(" in text or "称" in text or "名" in text or "缩写" in text or "叫" in text:
            self.named.update(set(namings(text, vocabulary)))
        if "(" in text:
            for term, gloss in set(glosses(text, vocabulary)):
                self.glossed.setdefault(gloss, Counter())[term] += 1
        if "指" in text or "定义为" in text or "是一" in text:
            self.explained += explanations(text, vocabulary)

    def take_in(self, later: "Statements") -> None:
        """Take in what later texts state."""
        self.named.update(later.named)
        for gloss, terms in later.glossed.items():
            self.glossed.setdefault(gloss, Counter()).update(terms)
        self.explained += later.explained


def stated_synonyms(statements: Statements, vocabulary: Vocabulary) -> Iterator[TermEdge]:
    """Yield what texts state of terms meaning the same, both ways: by name, and by a definition that two share.

    The more texts agree on a name, the surer: one seen once and never otherwise has 0.7. Terms of the same gloss or of
    nearly the same defining phrase, and alike terms of the same abbreviation, are DEFINED_ALIKE, with the number of their
    definitions and the overlap of those.
    """
    named = statements.named
    yield from _of_names(named)
    sharing = chain(
        _of_abbreviations(named, vocabulary), _of_glosses(statements.glossed), _of_explanations(statements.explained)
    )
    yield from _of_definitions(sharing, vocabulary)


def _of_names(seen: Counter[tuple[int, int]]) -> Iterator[TermEdge]:
    """Yield synonyms for names: a name that mostly means another thing is none."""
    total: Counter[int] = Counter()
    for (_, name), count in seen.items():
        total[name] += count
    for (term, name), count in sorted(seen.items()):
        share = count / total[name]
        if share < 0.4:
            continue
        confidence = round(min(0.98, share * (1.0 - 0.3 / count)), 4)
        yield TermEdge(term, name, Relation.SYNONYM, confidence, count, share)
        yield TermEdge(name, term, Relation.SYNONYM, confidence, count, share)


def _of_abbreviations(named: Counter[tuple[int, int]], vocabulary: Vocabulary) -> Iterator[_Shared]:
    """Yield terms that are given the same Latin abbreviation and much of whose characters are the same."""
    full: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for (term, name), count in sorted(named.items()):
        if _LATIN.fullmatch(vocabulary.terms[name]):
            full[name][term] += count
    for counts in full.values():
        for one, other in combinations(counts, 2):
            alike = _overlap(frozenset(vocabulary.terms[one]), frozenset(vocabulary.terms[other]))
            if alike >= _LEAST_ALIKE:
                yield _Shared(one, other, counts[one] + counts[other], alike)


def _of_glosses(glossed: dict[str, Counter[int]]) -> Iterator[_Shared]:
    """Yield terms that are given the same gloss."""
    for _, counts in sorted(glossed.items()):
        if len(counts) <= _MOST_SHARING:
            for one, other in combinations(sorted(counts), 2):
                yield _Shared(one, other, counts[one] + counts[other], 1.0)


def _of_explanations(explained: list[tuple[int, frozenset[str]]]) -> Iterator[_Shared]:
    """Yield terms whose defining phrases hold nearly the same words."""
    holding: defaultdict[str, list[int]] = defaultdict(list)
    for number, (_, words) in enumerate(explained):
        for word in words:
            holding[word].append(number)
    for number, (term, words) in enumerate(explained):
        # Of words sorted by rarity, a phrase that overlaps enough holds one of the first few.
        rare = sorted(words, key=lambda word: (len(holding[word]), word))
        first = rare[: len(words) - int(_LEAST_OVERLAP * len(words)) + 1]
        near = {place for word in first for place in holding[word]}
        alike = [place for place in near if _overlap(words, explained[place][1]) >= _LEAST_OVERLAP]
        if len({explained[place][0] for place in alike}) > _MOST_SHARING:
            continue
        for place in sorted(alike):
            other = explained[place][0]
            if place > number and other != term:
                yield _Shared(min(term, other), max(term, other), 2, _overlap(words, explained[place][1]))


def _of_definitions(pairs: Iterable[_Shared], vocabulary: Vocabulary) -> Iterator[TermEdge]:
    """Yield edges for terms defined alike unless they exclude each other or one is the other's head."""
    for one, other, support, overlap in pairs:
        terms = vocabulary.terms[one], vocabulary.terms[other]
        kinds = (int(vocabulary.kinds[one]), int(vocabulary.kinds[other]))
        if contradicts(*terms, kinds) or not _may_be_one(*terms):
            continue
        confidence = round(overlap * (1.0 - 0.4 / support), 4)
        yield TermEdge(one, other, Relation.DEFINED_ALIKE, confidence, support, round(overlap, 4))
        yield TermEdge(other, one, Relation.DEFINED_ALIKE, confidence, support, round(overlap, 4))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of common words among all words of two phrases."""
    return len(one & other) / len(one | other)


def _across(before: str, inside: str) -> bool:
    """Tell whether a Chinese bracket follows a Latin name: LFP(磷酸铁锂)."""
    return bool(_CHINESE.fullmatch(inside)) and before[-1:].isascii() and before[-1:].isalpha()


def _term_before(text: str, vocabulary: Vocabulary) -> int | None:
    """Return the longest term that ends where `text`, brackets and commas at its end aside, ends.

    None if a noun before it belongs to it: what is named is then more than the term (空化气蚀指数(AI) is no 指数).
    """
    words: list[Word] = tag(_CLOSING_BRACKETS.sub("", text))
    ending = [(first, term) for term, first, end, _ in vocabulary.occurrences(words) if end == len(words)]
    if not ending:
        return None
    first, term = min(ending)
    named = vocabulary.terms[term]
    if _UNIT.fullmatch(named):
        return None
    before = words[first - 1] if first else None
    if before and (before.text in _JOINTS or (is_inside(before) and (before.tag[0] in _ATTRIBUTES or len(named) < 3))):
        return None
    return term


def _may_name(name: str, term: str) -> bool:
    """Refuse labels of groups and treatments, and names that contain each other (a head, not a synonym)."""
    low = name.lower()
    return low not in term and term not in low and not _LABEL.fullmatch(low)


def _may_be_one(one: str, other: str) -> bool:
    """Refuse a thing and its negation, and a term in another unless what follows is general (热重, 热重分析)."""
    if set(_NEGATION.findall(one)) != set(_NEGATION.findall(other)):
        return False
    short, long = sorted((one, other), key=len)
    return short not in long or (long.startswith(short) and long.removeprefix(short) in general_words())
