"""Names of parameters made comparable: what is measured, of what, and which way is better."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib import resources
from typing import Self

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.quantities.folding import fold

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
# Other names of a term, as the knowledge graph's synonym edges give them.
Synonyms = Callable[[str], Iterable[str]]

NO_GROUP = -1
_NOISE = re.compile(r"[\s()（）\[\]“”\"'、,:：/·]+")
# Words that say nothing of what is measured.
_EMPTY = re.compile(
    r"^(?:最大|最小|最高|最低|平均|额定|标称|总体|整体|整机|产品|成品|设备|系统|样机|单位|实际|理论|综合|工作|运行|使用|有效|常温|室温|的|其|该|本|年均|日均|其中|允许|"
    r"要求|主要|年|日|月|每|单次|单|吨产品|吨|出料|出水|物料|可见|指标|性能)+"
)
# Words that part two otherwise equal names: an input is no output.
_MARK = re.compile(
    "相对|输入|输出|进口|出口|入口|体积|表面|正极|负极|阳极|阴极|横向|纵向|径向|轴向|静态|动态|高温|低温|待机|空载|满载|湿态|干态|重复|短路|开路|启动|"
    "一次|二次|初始|最终|充电|放电|加热|冷却|上限|下限|左|右|内|外|前|后"
)
# Where nothing else is said, a temperature or pressure at work is another than one of any kind.
_AT_WORK = re.compile(r"^(?:工作|运行|使用)$")
_TAIL = re.compile(r"(?:大小|数值|水平|指标|要求|值(?!$)|方面|幅度|范围)$")
_ELEMENTS = {
    "fe": "铁", "s": "硫", "p": "磷", "pb": "铅", "cd": "镉", "cu": "铜", "zn": "锌", "o": "氧", "so2": "二氧化硫",
    "nox": "氮氧化物",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """The parameters of `lexicon/parameter_names.txt`: group by name, and of each group its direction and width."""

    group: dict[str, int]
    better: tuple[int, ...]  # 1 more, -1 less, 0 neither or unknown
    general: tuple[bool, ...]
    longest: int


@lru_cache(maxsize=1)
def known_names() -> Known:
    """Return the parameters the domain knows."""
    path = resources.files("knowledge_graph.quantities") / "lexicon" / "parameter_names.txt"
    group: dict[str, int] = {}
    better: list[int] = []
    general: list[bool] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        sign, *names = line.split()
        for name in names:
            group[flat(name.rstrip("*"))] = len(better)
        better.append({"+": 1, "-": -1}.get(sign, 0))
        general.append(names[0].endswith("*"))
    return Known(group, tuple(better), tuple(general), max(map(len, group)))


def flat(name: str) -> str:
    """Return a parameter's name in one spelling: folded, lower case, no brackets, no white space."""
    return _NOISE.sub("", fold(name)).lower()


def key(text: str) -> int:
    """Return a 63-bit number that represents `text` in every process; 0 for the empty text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1 if text else 0


@dataclass(frozen=True, slots=True)
class Name:
    """One name taken apart: `group` of its head among the known ones, and the words before it, empty ones dropped."""

    flat: str
    group: int
    of: str
    head: str
    mark: str


@lru_cache(maxsize=50_000)
def read_name(name: str) -> Name:
    """Return `name` taken apart: 钢板抗拉强度 is 抗拉强度 of 钢板."""
    known = known_names()
    whole = flat(name)
    trimmed = _TAIL.sub("", whole)
    whole = trimmed if len(trimmed) >= 2 or trimmed in known.group else whole
    for size in range(min(len(whole), known.longest), 0, -1):
        head = whole[-size:]
        group = known.group.get(head)
        if group is not None and not (size == 1 and len(whole) > 1):
            of = _EMPTY.sub("", whole[:-size]).removesuffix("的").removesuffix("之")
            if not of and _AT_WORK.match(whole[:-size]):
                of = "工作"
            if of in _ELEMENTS:
                return read_name(_ELEMENTS[of] + head)
            return Name(whole, group, of, head, "".join(_MARK.findall(whole[:-size])))
    bare = _EMPTY.sub("", whole) or whole
    return Name(bare, NO_GROUP, bare, bare[-2:], "".join(_MARK.findall(bare)))


def better_of(name: str | None) -> int:
    """Return 1 if more of a parameter is better, -1 if less is, 0 if neither or not known."""
    if not name:
        return 0
    group = read_name(name).group
    if group == NO_GROUP:
        return 0
    return known_names().better[group]


KEY, GROUP, OF, HEAD, MARK, GENERAL = range(6)


@dataclass(frozen=True, slots=True)
class NameTable:
    """n names as numbers, ready to be linked.

    `codes` (n, 6) int64: key of the whole name (of its first synonym in the graph; 0 for no name), group (-1 unknown), key
    of what it is of (0 for nothing said), key of the head, key of words such as 输入 that part two names, and whether the
    group's head alone decides nothing. `vectors` (n, d) int8: unit vectors times 127; d = 0 without an encoder.
    """

    codes: NDArray[np.int64]
    vectors: NDArray[np.int8]

    @classmethod
    def build(cls, names: Sequence[str], encode: Encode | None = None, synonyms: Synonyms | None = None) -> Self:
        """Return the table of `names`, empty ones included."""
        known = known_names()
        codes = np.zeros((len(names), 6), dtype=np.int64)
        read = [read_name(name) for name in names]
        for row, name in enumerate(read):
            general = name.group != NO_GROUP and known.general[name.group]
            whole = key(_representative(name.flat, synonyms))
            codes[row] = whole, name.group, key(name.of), key(name.head), key(name.mark), general
        if encode is None or not read:
            return cls(codes, np.zeros((len(read), 0), dtype=np.int8))
        vectors = encode([name.flat or " " for name in read])
        return cls(codes, np.rint(127.0 * vectors).astype(np.int8))

    @classmethod
    def concat(cls, parts: Sequence["NameTable"]) -> Self:
        """Return the names of all parts, one after the other; a part without names need not know the vectors' width."""
        named = [part for part in parts if len(part)] or [*parts[:1]]
        return cls(np.vstack([part.codes for part in named]), np.vstack([part.vectors for part in named]))

    def __len__(self) -> int:
        return len(self.codes)


def _representative(name: str, synonyms: Synonyms | None) -> str:
    """Return the name under which a name and its synonyms in the graph are one."""
    if synonyms is None or not name:
        return name
    return min([name, *map(flat, synonyms(name))], key=lambda other: (len(other), other))
