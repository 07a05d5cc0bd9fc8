"""Which column of a file means which field: Chinese or English headers, any order, units in brackets."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path

from data.errors import InputError
from data.files.synonyms import HEADERS, MONEY, REQUIRED, ROW_NUMBERS, FileKind
from data.files.table_kinds import (
    DeclaredKind,
    TableKind,
    declared_kinds,
    headers_of,
    id_field,
    keeps_unknown,
    label_of,
    lists_of,
    money_of,
    required_of,
    texts_of,
)
from data.text.normalise import normalise

__all__ = ["HEADERS", "MONEY", "REQUIRED", "Column", "FileKind", "columns_of", "kind_of", "known_headers"]

IGNORED = "-"
"""What `--map 列=-` calls a column that is to be left out."""
ROW_NUMBER = "#"

_IN_WAN_YUAN = {
    "万元": 1.0,
    "万": 1.0,
    "人民币万元": 1.0,
    "万元人民币": 1.0,
    "元": 1e-4,
    "人民币元": 1e-4,
    "亿元": 1e4,
    "千元": 0.1,
}
_FOREIGN = re.compile(r"美元|欧元|英镑|日元|港元|港币|USD|EUR", re.IGNORECASE)
_FILE_NAMES = {
    FileKind.ACHIEVEMENTS: ("achievement", "成果", "专利", "patent"),
    FileKind.DEMANDS: ("demand", "需求", "难题", "榜单"),
    FileKind.EVENTS: ("event", "事件"),
    FileKind.JUDGEMENTS: ("judgement", "judgment", "评分", "评审"),
}
_NUMBERED = re.compile(r"^\s*[(（]?\d{1,2}\s*[.、．)）:]\s*(?=\S)|^\s*[一二三四五六七八九十]{1,3}\s*[、.．]\s*(?=\S)")
_COUNTED = re.compile(r"(?<=\D)\d{1,2}$")
_NAME_AND_BRACKET = re.compile(r"^(?P<name>[^(\[【]*)[(\[【](?P<bracket>.*)[)\]】]?$")
_NOT_WORD = re.compile(r"[\W_]+")
_FILLERS = re.compile(
    r"^(?:科技|技术|项目|该|本|您的|拟|主要|请填写|填写|企业|单位)|(?:信息|情况|说明|填写|必填|选填|名称)$"
)
# Somebody else than the record speaks of: 推荐单位 is no holder.
_OF_OTHERS = re.compile(r"联系|电话|推荐|开户|主管|监管|组织|合作单位|地址|邮|英文|附件|图片")
_SIMILAR = 0.8
GENERATED = "ai_generated"
"""Header of the files that hold what models said: none of it is an outcome or a judgement."""
_IDS = frozenset({"achievement_id", "demand_id", "event_id"})


@dataclass(frozen=True)
class Column:
    """What a column of a file means: `field` is None for an unknown one; values times `scale` are in 万元.

    `how` is how the meaning was found: `name`, `similar`, `given`; "" for none. A `spare` column is read where the
    columns before it have nothing to say.
    """

    header: str
    field: str | None
    scale: float = 1.0
    how: str = ""
    spare: bool = False


def columns_of(
    headers: Sequence[str],
    kind: TableKind,
    source: str,
    mapping: Mapping[str, str] | None = None,
    *,
    complete: bool = True,
) -> list[Column]:
    """Return the meaning of each header of the file called `source` (used in errors), in order.

    Several columns may mean one field: texts and lists are joined, of other fields the most telling column counts and the
    others are spare. `mapping` (header: field, or `-` for none) overrules. Without `complete` required fields may be
    missing: the headers are some of a file's.

    Raises:
        InputError: an id or required field has two columns of equal right, a required one is missing, a mapping names an
            unknown column or field.

    """
    if kind in (FileKind.JUDGEMENTS, FileKind.EVENTS) and GENERATED in headers:
        raise InputError(
            f"{source} holds what models said ({GENERATED}), which is no judgement; `gongxu lab levels --import` reads it",
            f"{source} 是模型的评级（{GENERATED}），不能作为人的评分导入；用 gongxu lab levels --import 读取",
        )
    given = _given(mapping or {}, headers, kind, source)
    found = [given.get(header) or _column(header, kind) for header in headers]
    claimed = {column.field for column, _ in found}
    for place, (column, _) in enumerate(found):
        if column.field is None and not column.how and (field := _similar(column.header, kind, claimed)):
            claimed.add(field)
            found[place] = (replace(column, field=field, how="similar"), 1_000)
    columns = _ranked(found, source, kind)
    missing = [field for field in required_of(kind) if field not in claimed]
    if missing and complete:
        wanted = ", ".join(f"{field} ({headers_of(kind)[field].split()[0]})" for field in missing)
        raise InputError(
            f"{source}: no column {wanted} for {kind.value}; it has: {', '.join(headers)[:200]}; "
            f"name one with --map 列={missing[0]}, or tell where the header stands with --header-row and --sheet",
            f"{source}：作为{label_of(kind)}缺少列{'、'.join(headers_of(kind)[field].split()[0] for field in missing)}；"
            f"现有的列：{'、'.join(headers)[:200]}；用 --map 列={missing[0]} 指定，或用 --header-row、--sheet 指出表头的位置",
        )
    return columns


def known_headers(cells: Sequence[object]) -> int:
    """Return how many cells of a row are headers of some kind's fields: what tells a header row from others."""
    kinds: list[TableKind] = [*FileKind, *declared_kinds()]
    return max(len({_exact(str(cell), kind)[0] for cell in cells if cell} - {None}) for kind in kinds)


def kind_of(path: Path, headers: Sequence[str], sheet: str = "") -> TableKind | None:
    """Tell what a table holds, by its sheet's or file's name if that names one kind, else by its headers."""
    for name in (sheet, path.stem.lower()):
        named = [kind for kind, names in _FILE_NAMES.items() if any(part in name.lower() for part in names)]
        if len(named) == 1 and _may_be(named[0], headers):
            return named[0]
    if declared := _declared_kind((sheet, path.stem), headers):
        return declared
    fits = [kind for kind in FileKind if _complete(kind, headers)]
    if FileKind.JUDGEMENTS in fits:
        return FileKind.EVENTS if FileKind.EVENTS in fits else FileKind.JUDGEMENTS
    if len(fits) == 1:
        return fits[0]
    scores = {kind: sum(_telling(header, kind) for header in headers) for kind in fits}
    ordered = sorted(scores.values(), reverse=True)
    return max(scores, key=scores.__getitem__) if scores and ordered[0] > ordered[1] else None


def _declared_kind(names: Sequence[str], headers: Sequence[str]) -> DeclaredKind | None:
    """Return the declared kind that a table's name or its columns tell: a name that is believed, or own columns of one kind."""
    kinds = [kind for kind in declared_kinds() if _complete(kind, headers)]
    for name in names:
        named = [kind for kind in kinds if any(word in name.lower() for word in _words(kind))]
        if len(named) == 1:
            return named[0]
    built_in = max(sum(_exact(header, kind)[0] is not None for header in headers) for kind in FileKind)
    known = {kind: [_exact(header, kind)[0] for header in headers] for kind in kinds}
    own = {kind: sum(field in kind.declaration.by_name for field in fields) for kind, fields in known.items()}
    good = [kind for kind in kinds if own[kind] >= 2 and len(known[kind]) - known[kind].count(None) > built_in]
    best = sorted(good, key=lambda kind: -own[kind])
    return best[0] if best and (len(best) == 1 or own[best[0]] > own[best[1]]) else None


def _words(kind: DeclaredKind) -> tuple[str, ...]:
    """Return what names of files call a kind: service, 科技服务, 服务."""
    label = kind.declaration.label
    return kind.value, label, label.removeprefix("科技").removeprefix("仪器") or label


def field_named(name: str, kind: TableKind) -> str | None:
    """Return the field that a user calls by its own name or by one of its headers; `-` and 忽略 are none."""
    key = _key(name)
    if name in headers_of(kind):
        return name
    return _fields_by_key(kind).get(key, (None, 0))[0]


def _complete(kind: TableKind, headers: Sequence[str]) -> bool:
    fields = {_exact(header, kind)[0] for header in headers}
    return all(field in fields for field in required_of(kind))


def _may_be(kind: TableKind, headers: Sequence[str]) -> bool:
    """Tell whether a name may be believed: 成果评分.csv is no list of achievements when its columns are a judgement's."""
    others = [other for other in (FileKind.EVENTS, FileKind.JUDGEMENTS) if other is not kind]
    return kind in (FileKind.EVENTS, FileKind.JUDGEMENTS) or not any(_complete(other, headers) for other in others)


def _telling(header: str, kind: TableKind) -> int:
    """Return how much a header speaks for a kind: nothing where another kind knows it as well."""
    if _exact(header, kind)[0] is None:
        return 0
    record_kinds = [FileKind.ACHIEVEMENTS, FileKind.DEMANDS]
    rank = _exact(header, kind)[1]
    others = [_exact(header, other) for other in record_kinds if other is not kind]
    if all(field is None for field, _ in others):
        return 3
    return 1 if rank < min(place for field, place in others if field is not None) else 0


def _given(
    mapping: Mapping[str, str], headers: Sequence[str], kind: TableKind, source: str
) -> dict[str, tuple[Column, int]]:
    """Return the columns that the user named."""
    result = {}
    for header, name in mapping.items():
        matches = [one for one in headers if one == header or _key(one) == _key(header)]
        if not matches:
            raise InputError(
                f"{source}: --map names the column {header!r}, which it lacks; it has: {', '.join(headers)[:200]}",
                f"{source}：没有 --map 所说的列“{header}”；现有的列：{'、'.join(headers)[:200]}",
            )
        if name.strip() in (IGNORED, "忽略", ""):
            result[matches[0]] = (Column(matches[0], None, how="given"), 0)
            continue
        field = field_named(name.strip(), kind)
        if field is None:
            known = ", ".join(f"{field} ({names.split()[0]})" for field, names in headers_of(kind).items())
            raise InputError(
                f"{source}: --map names the field {name!r}, which {kind.value} lack; use one of {known}",
                f"{source}：{label_of(kind)}没有 --map 所说的字段“{name}”；可用的字段：{known}",
            )
        result[matches[0]] = (Column(matches[0], field, _scale_in(matches[0], field, kind), "given"), -1)
    return result


def _column(header: str, kind: TableKind) -> tuple[Column, int]:
    """Return the meaning of one header and how telling it is, 0 best."""
    field, rank = _exact(header, kind)
    if field is None and keeps_unknown(kind) and _key(header) in ROW_NUMBERS:
        return Column(header, None, how=ROW_NUMBER), 0
    return Column(header, field, _scale_in(header, field, kind), "name" if field else ""), rank


@lru_cache(maxsize=50_000)
def _exact(header: str, kind: TableKind) -> tuple[str | None, int]:
    """Return the field that a header names, tried whole, then without numbering, bracket and count; and its rank."""
    fields = _fields_by_key(kind)
    if len(header) > 100:
        return None, 0
    normal = normalise(header)
    tries = [normal, _NUMBERED.sub("", normal)]
    if match := _NAME_AND_BRACKET.match(tries[-1]):
        tries.append(match["name"])
    for penalty, name in enumerate(tries):
        if found := fields.get(_key(name)):
            return found[0], found[1] + 100 * (penalty == 2)
    bare = _COUNTED.sub("", _key(tries[-1]))
    found = fields.get(bare)
    if found and found[0] in lists_of(kind) | texts_of(kind):
        return found[0], found[1] + 100
    return None, 0


def _similar(header: str, kind: TableKind, claimed: set[str | None]) -> str | None:
    """Return the unclaimed field that a header names almost: one word more, one word less."""
    key = _key(re.split(r"[(（\[【]", normalise(header))[0])
    if len(key) < 3 or _OF_OTHERS.search(key) or not keeps_unknown(kind):
        return None
    best, best_field = 0.0, None
    bare = _FILLERS.sub("", key)
    for name, (field, _) in _fields_by_key(kind).items():
        if field in claimed or field == id_field(kind) or len(name) < 3 or not name[0] > "\x7f":
            continue
        likeness = SequenceMatcher(None, key, name).ratio()
        if bare == _FILLERS.sub("", name) and len(bare) >= 2:
            likeness = max(likeness, 0.9)
        if len(name) >= 4 and key.endswith(name):
            likeness = max(likeness, 0.85)
        if likeness > best and key[-1] == name[-1]:  # the last word names what is asked for: 负责人 is not 负责人电话
            best, best_field = likeness, field
    return best_field if best >= _SIMILAR else None


def _ranked(found: list[tuple[Column, int]], source: str, kind: TableKind) -> list[Column]:
    """Return the columns; of several for one field the most telling is first, the others are spare or kept aside."""
    best: dict[str, tuple[int, int]] = {}
    joined = lists_of(kind) | texts_of(kind)
    ids = _IDS | {id_field(kind)}
    for place, (column, rank) in enumerate(found):
        if column.field and column.field not in joined:
            other = best.get(column.field)
            if other and other[0] == rank and rank <= 2 and column.field in ids:
                both = f"columns {found[other[1]][0].header!r} and {column.header!r} both mean {column.field}"
                earlier = found[other[1]][0].header
                raise InputError(
                    f"{source}: {both}; remove one, or leave one out with --map {column.header}=-",
                    f"{source}：“{earlier}”和“{column.header}”两列都表示 {column.field}；"
                    f"请删去一列，或用 --map {column.header}=- 略去一列",
                )
            if other is None or rank < other[0]:
                best[column.field] = (rank, place)
    columns = []
    for place, (column, _) in enumerate(found):
        first = column.field is None or column.field in joined or best[column.field][1] == place
        if not first and column.field in ids:
            columns.append(Column(column.header, None))  # another number of the record: kept aside
        else:
            columns.append(column if first else replace(column, spare=True))
    return columns


def _scale_in(header: str, field: str | None, kind: TableKind) -> float:
    """Return how many 万元 the unit in a header's bracket is; without one 万元 is meant."""
    if field not in money_of(kind):
        return 1.0
    match = re.search(r"[(\[【]([^()\[\]【】]*)[)\]】]\s*$", normalise(header))
    unit = _NOT_WORD.sub("", match.group(1)).removeprefix("单位") if match else ""
    if _FOREIGN.search(unit):
        return float("nan")
    longest_first = sorted(_IN_WAN_YUAN.items(), key=lambda pair: -len(pair[0]))
    return next((scale for name, scale in longest_first if unit.endswith(name)), 1.0)


@lru_cache(maxsize=64)
def _fields_by_key(kind: TableKind) -> dict[str, tuple[str, int]]:
    """Return field and rank by key; a field's own name is as telling as its first header."""
    keys: dict[str, tuple[str, int]] = {}
    for field, names in headers_of(kind).items():
        for rank, name in enumerate((field, *names.split())):
            key = _key(name)
            if key not in keys or rank < keys[key][1]:
                keys[key] = (field, max(0, rank - 1))
    return keys


def _key(header: str) -> str:
    """Return what is left of a header when spelling differences are gone."""
    return _NOT_WORD.sub("", normalise(header)).lower()
