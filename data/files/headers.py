"""Which column of a file means which field: Chinese or English headers, any order, units in brackets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from data.errors import InputError
from data.text.normalise import normalise


class FileKind(StrEnum):
    """What a file holds; the order is the order of import."""

    ACHIEVEMENTS = "achievements"
    DEMANDS = "demands"
    EVENTS = "events"
    JUDGEMENTS = "judgements"


_SHARED = {
    "keywords": "关键词 关键字 keyword",
    "field": "技术领域 所属领域 领域",
    "industries": "所属行业 应用行业 行业 国民经济行业 行业代码 industry",
    "region": "地区代码 行政区划代码 所在地区代码 区划代码 regioncode",
    "published_at": "发布日期 发布时间 publishedat publishdate",
    "updated_at": "更新日期 更新时间 updatedat updatedate",
}

# Headers of each field, the first being the one that documents show; the field's own name is always understood.
HEADERS: dict[FileKind, dict[str, str]] = {
    FileKind.ACHIEVEMENTS: {
        "achievement_id": "成果编号 成果id 成果编码 编号 id",
        "title": "成果名称 成果标题 名称 标题",
        "content": "成果简介 成果内容 成果介绍 成果描述 简介 内容 摘要 abstract description",
        **_SHARED,
        "ipc": "IPC分类号 IPC分类 专利分类号",
        "holder": "完成单位 持有单位 所属单位 成果持有人 权利人",
        "holder_type": "单位类型 单位性质 持有人类型",
        "experts": "完成人 主要完成人 专家 发明人 负责人 inventor",
        "stage": "成熟阶段 所处阶段 成果阶段",
        "trl": "技术成熟度 技术成熟度等级 成熟度",
        "form": "成果形式 成果类型",
        "transfer_modes": "转化方式 转让方式 合作方式",
        "price_min": "价格下限 最低价格 最低报价",
        "price_max": "价格上限 最高价格 最高报价",
        "indicators": "主要技术指标 主要技术经济指标 技术指标",
        "ip": "知识产权 知识产权情况",
        "status": "状态 成果状态",
    },
    FileKind.DEMANDS: {
        "demand_id": "需求编号 需求id 需求编码 编号 id",
        "title": "需求名称 需求标题 名称 标题",
        "content": "需求内容 需求描述 需求简介 需求说明 简介 内容 description",
        "kpis": "考核指标 指标要求 技术指标",
        **_SHARED,
        "enterprise": "企业名称 需求单位 需求企业 发布单位",
        "enterprise_size": "企业规模",
        "enterprise_stage": "企业阶段 企业发展阶段",
        "budget_min": "预算下限 最低预算",
        "budget_max": "预算上限 最高预算",
        "cooperation_modes": "合作方式 合作模式",
        "trl_min": "最低技术成熟度 技术成熟度要求 最低成熟度",
        "deadline": "截止日期 截止时间 有效期至",
        "status": "状态 需求状态",
        "visibility": "可见性 公开范围",
    },
    FileKind.EVENTS: {
        "event_id": "事件编号 事件id id",
        "demand_id": "需求编号 需求id",
        "achievement_id": "成果编号 成果id",
        "kind": "事件类型 事件 类型",
        "occurred_at": "发生时间 时间 日期",
        "request_id": "请求编号 请求id",
        "position": "位置 名次",
        "bundle_version": "模型包版本",
        "features_digest": "特征摘要",
        "reason": "原因 拒绝原因",
        "amount": "成交金额 金额",
        "level": "匹配等级 等级 评分",
    },
    FileKind.JUDGEMENTS: {
        "demand_id": "需求编号 需求id",
        "achievement_id": "成果编号 成果id",
        "level": "匹配等级 等级 评分 匹配程度",
        "occurred_at": "评审日期 评审时间 日期 时间 judgedat date",
    },
}

REQUIRED: dict[FileKind, tuple[str, ...]] = {
    FileKind.ACHIEVEMENTS: ("achievement_id", "title"),
    FileKind.DEMANDS: ("demand_id", "title"),
    FileKind.EVENTS: ("event_id", "demand_id", "achievement_id", "kind"),
    FileKind.JUDGEMENTS: ("demand_id", "achievement_id", "level"),
}

MONEY = frozenset({"price_min", "price_max", "budget_min", "budget_max", "amount"})
_IN_WAN_YUAN = {"万元": 1.0, "万": 1.0, "人民币万元": 1.0, "万元人民币": 1.0, "元": 1e-4, "人民币元": 1e-4, "亿元": 1e4}

_FILE_NAMES = {
    FileKind.ACHIEVEMENTS: ("achievement", "成果"),
    FileKind.DEMANDS: ("demand", "需求"),
    FileKind.EVENTS: ("event", "事件"),
    FileKind.JUDGEMENTS: ("judgement", "judgment", "评分", "评审"),
}
_NAME_AND_BRACKET = re.compile(r"^(?P<name>.*?)\s*[(\[【](?P<bracket>[^()\[\]【】]*)[)\]】]$")
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Column:
    """What a column of a file means: `field` is None for an unknown one; values times `scale` are in 万元."""

    header: str
    field: str | None
    scale: float = 1.0


def columns_of(headers: Sequence[str], kind: FileKind, source: str) -> list[Column]:
    """Return the meaning of each header of the file called `source` (used in errors), in order.

    Raises:
        InputError: a header occurs twice, two mean the same field, a required one is missing, or prices stand in a
            currency that is not yuan.

    """
    fields = _fields_by_key(kind)
    columns: list[Column] = []
    seen: dict[str, str] = {}
    for header in headers:
        column = _column(header, fields, source)
        key = column.field or f"={header}"
        if key in seen:
            both = f"columns {seen[key]!r} and {header!r} both mean {column.field}" if column.field else ""
            raise InputError(f"{source}: {both or f'column {header!r} occurs twice'}; remove one")
        seen[key] = header
        columns.append(column)
    missing = [field for field in REQUIRED[kind] if field not in seen]
    if missing:
        wanted = ", ".join(f"{field} ({HEADERS[kind][field].split()[0]})" for field in missing)
        raise InputError(f"{source}: no column {wanted} for {kind.value}; it has: {', '.join(headers)[:200]}")
    return columns


def kind_of(path: Path, headers: Sequence[str]) -> FileKind | None:
    """Tell what a file holds, by its name if that names one kind, else by its headers; None when neither tells."""
    stem = path.stem.lower()
    named = [kind for kind, names in _FILE_NAMES.items() if any(name in stem for name in names)]
    if len(named) == 1:
        return named[0]
    found = {kind: {_key(header) for header in headers} for kind in FileKind}
    fits = [kind for kind in FileKind if all(_has(found[kind], kind, field) for field in REQUIRED[kind])]
    if FileKind.JUDGEMENTS in fits:
        return FileKind.EVENTS if FileKind.EVENTS in fits else FileKind.JUDGEMENTS
    return fits[0] if len(fits) == 1 else None


def _column(header: str, fields: dict[str, str], source: str) -> Column:
    """Return the meaning of one header, tried whole and then without the bracket at its end."""
    if field := fields.get(_key(header)):
        return Column(header, field)
    match = _NAME_AND_BRACKET.match(normalise(header))
    field = fields.get(_key(match["name"])) if match else None
    if match is None or field is None:
        return Column(header, None)
    if field not in MONEY:
        return Column(header, field)
    unit = _NOT_WORD.sub("", match["bracket"]).removeprefix("单位")
    if unit not in _IN_WAN_YUAN:
        raise InputError(f"{source}: column {header!r} is in {unit!r}; use 万元, 元 or 亿元")
    return Column(header, field, _IN_WAN_YUAN[unit])


def _fields_by_key(kind: FileKind) -> dict[str, str]:
    return {_key(name): field for field, names in HEADERS[kind].items() for name in (field, *names.split())}


def _has(keys: set[str], kind: FileKind, field: str) -> bool:
    return any(_key(name) in keys for name in (field, *HEADERS[kind][field].split()))


def _key(header: str) -> str:
    """Return what is left of a header when spelling differences are gone."""
    return _NOT_WORD.sub("", normalise(header)).lower()
