"""What Pydantic found wrong with a request, in Chinese and by the names that the client used."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_LISTED = 50  # faults of one request that are spelled out
MAX_SHOWN = 60  # characters of a wrong value that are repeated

# By the types of Pydantic's errors, which are part of its interface; its messages name classes and change.
_MESSAGES = {
    "missing": "缺少此项",
    "extra_forbidden": "没有此项，请检查名称",
    "json_invalid": "不是有效的 JSON",
    "json_type": "须为 JSON",
    "string_type": "须为文本",
    "string_too_short": "至少 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_pattern_mismatch": "格式不符",
    "string_unicode": "含有无效的字符",
    "int_type": "须为整数",
    "int_parsing": "须为整数",
    "int_parsing_size": "整数过大",
    "int_from_float": "须为整数",
    "float_type": "须为数字",
    "float_parsing": "须为数字",
    "finite_number": "须为有限的数字",
    "bool_type": "须为 true 或 false",
    "bool_parsing": "须为 true 或 false",
    "greater_than": "须大于 {gt}",
    "greater_than_equal": "须不小于 {ge}",
    "less_than": "须小于 {lt}",
    "less_than_equal": "须不大于 {le}",
    "enum": "须为 {expected} 之一",
    "literal_error": "须为 {expected} 之一",
    "list_type": "须为列表",
    "tuple_type": "须为列表",
    "too_short": "至少 {min_length} 项，现为 {actual_length} 项",
    "too_long": "最多 {max_length} 项，现为 {actual_length} 项",
    "dict_type": "须为对象",
    "model_type": "须为对象",
    "model_attributes_type": "须为对象",
    "dataclass_type": "须为对象",
    "date_type": "须为日期，例如 2026-05-01",
    "date_parsing": "须为日期，例如 2026-05-01",
    "date_from_datetime_parsing": "须为日期，例如 2026-05-01",
    "date_from_datetime_inexact": "须为日期，例如 2026-05-01",
    "datetime_type": "须为时间，例如 2026-05-01T09:00:00+08:00",
    "datetime_parsing": "须为时间，例如 2026-05-01T09:00:00+08:00",
    "datetime_from_date_parsing": "须为时间，例如 2026-05-01T09:00:00+08:00",
}
_OTHERWISE = "不合要求"
# What the record types say of fields that do not fit each other.
_RULES = {
    "belongs to a judgement": "level（1-4）只属于专家评分（judgement），专家评分必须有 level",
    "occurred_at is required": "缺少 occurred_at：除专家评分外，事件必须有发生时间",
    "is above price_max": "price_min 高于 price_max",
    "is above budget_max": "budget_min 高于 budget_max",
}
_HAS_CHINESE = re.compile("[\u4e00-\u9fff]")
# Pydantic puts the names of types into the path where a value may be of several.
_OWN_NAMES = re.compile(r"(?:[A-Z][a-z]+){2,}|.*[\[(].*")


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the first faults as {"where": path, "message": Chinese, with the value where it is short enough to repeat}."""
    return [
        {"where": path_of(error["loc"]), "message": message_of(error)}
        for error in [error for _, error in zip(range(MAX_LISTED), errors, strict=False)]
    ]


def path_of(location: Sequence[str | int]) -> str:
    """Return where a fault lies, as in `body.filters.budget`."""
    names = [str(part) for part in location if isinstance(part, int) or not _OWN_NAMES.fullmatch(part)]
    return ".".join(names).encode(errors="replace").decode()


def message_of(error: Mapping[str, Any]) -> str:
    """Return what is wrong with one value."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "value_error":
        message = str(error["msg"]).removeprefix("Value error, ")  # of a validator of ours
        message = next((chinese for rule, chinese in _RULES.items() if rule in message), message)
        message = message if is_chinese(message) else _OTHERWISE
    else:
        template = _MESSAGES.get(kind)
        message = _OTHERWISE if template is None else template.format_map(_Shown(context))
    value = error.get("input")
    if (
        isinstance(value, str | int | float)
        and kind not in ("missing", "json_invalid")
        and str(value)[:4] not in message
    ):
        message = f"“{_short(value)}”：{message}"
    return message.encode(errors="replace").decode()


def is_chinese(text: str) -> bool:
    """Tell whether a text holds Chinese characters."""
    return _HAS_CHINESE.search(text) is not None


class _Shown(dict[str, Any]):
    """The context of an error as it is shown: numbers short, alternatives without English words between them."""

    def __getitem__(self, name: str) -> str:
        value = self.get(name, "")
        return f"{value:g}" if isinstance(value, float) else str(value).replace(" or ", ", ").replace("'", "")


def _short(value: object) -> str:
    text = "…" if isinstance(value, int) and value.bit_length() > 200 else str(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
