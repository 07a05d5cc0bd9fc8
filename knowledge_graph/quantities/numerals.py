"""Numbers in folded Chinese text: Arabic and Chinese numerals, 万 and 亿, powers of ten, fractions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

MAX_DIGITS = 20  # longer runs of digits are identifiers
_DIGITS = {char: number for number, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")

_ARABIC = re.compile(r"\d{1,3}(?:,\d{3}){1,4}(?![\d,])(?:\.\d{1,12})?|\d{1,400}(?:\.\d{1,12})?")
_POWER = re.compile(
    r"\s?[×xX*]\s?10(?:\s?(?:\^|\*\*)\s?\(?([+-]?\d{1,2})\)?|([⁺⁻]?[⁰¹²³⁴-⁹]{1,2})|(-\d{1,2})(?!\d)|(\d)(?![\d.]))|[eE]([+-]\d{1,2})"
)
_BARE_POWER = re.compile(r"10(?:\^\(?([+-]?\d{1,2})\)?|([⁺⁻]?[⁰¹²³⁴-⁹]{1,2}))")
_SCALE = re.compile(r"\s?(余|多|几|来)?([十百千]?[万亿]{1,2}|[十百千])(余|多|几|来)?|(余|多|几|来)")
# 千克, 百帕, 千瓦时: the numeral belongs to the unit
_UNIT_PREFIX = re.compile(
    r"千(?:克|瓦|米|帕|伏|焦|卡|赫|安|欧|牛|字节)|百(?:帕|分)|万(?:用|向|能|物|一)|十(?:字|分)|千(?:万(?!元|吨|美)|分)"
)
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万亿]{1,16}(?:点[零〇一二三四五六七八九]{1,6})?")
_PERCENT = re.compile(r"百分之(?=[零〇一二两三四五六七八九十百\d])")
_FRACTION = re.compile(r"(\d{1,3})/(\d{1,3})(?![\d./])")
_CHINESE_FRACTION = re.compile(r"([一二两三四五六七八九十]{1,3})分之([一二两三四五六七八九十]{1,3})")


@dataclass(frozen=True, slots=True)
class Number:
    """A number written at [start, end): its value, whether "more" (余, 多) was said, and how it is written."""

    start: int
    end: int
    value: float
    more: bool = False
    scale: float = 1.0
    chinese: bool = False
    percent: bool = False
    fraction: bool = False


def _chinese_value(text: str) -> float | None:
    """Return the value of a Chinese numeral, None if it is none: 一百二十, 三点五, 二〇二〇, 十万."""
    whole, _, decimals = text.partition("点")
    if not any(char in _SCALES for char in whole):
        value = float("".join(str(_DIGITS[char]) for char in whole)) if whole else 0.0
    else:
        total = section = 0.0
        digit: int | None = None
        for char in whole:
            if char in _DIGITS:
                if digit:
                    return None  # 三五百
                digit = _DIGITS[char]
                continue
            scale = _SCALES[char]
            if scale >= 10**4:
                section = (section + (digit or 0)) or 1
                total = (total + section) * scale
                section = 0.0
            else:
                section += (1 if digit is None else digit) * scale
            digit = None
        value = total + section + (digit or 0)
    return value + (float("0." + "".join(str(_DIGITS[char]) for char in decimals)) if decimals else 0.0)


def _with_scale(text: str, number: Number) -> Number:
    """Return `number` with 万, 亿, 余, 多 that follow it taken in."""
    match = _SCALE.match(text, number.end)
    if match is None:
        return number
    if match[4]:
        return replace(number, end=match.end(), more=True) if match[4] in "余多" else number
    if _UNIT_PREFIX.match(text, match.start(2)) or (
        match[2] in ("十", "百", "千") and text[match.end(2) : match.end(2) + 1] in ("分", "位")
    ):
        return replace(number, end=match.end(1), more=True) if match[1] else number
    scale = 1.0
    for char in match[2]:
        scale *= _SCALES[char]
    return replace(
        number,
        end=match.end(),
        value=_rounded(number.value * scale),
        scale=scale,
        more=bool(match[1] or (match[3] and match[3] in "余多")),
    )


def _rounded(value: float) -> float:
    """Return `value` without the dust of binary multiplication: 3.2 × 10000 is 32000."""
    return float(f"{value:.15g}")


def _arabic(text: str, match: re.Match[str]) -> Number | None:
    digits = match.group().replace(",", "")
    if len(digits.partition(".")[0]) > MAX_DIGITS:
        return None
    number = Number(match.start(), match.end(), float(digits))
    power = _POWER.match(text, match.end())
    if power and not (power[4] and not 1 <= number.value < 10):
        exponent = int(next(group for group in power.groups() if group is not None).translate(_POWERS))
        return replace(number, end=power.end(), value=float(f"{digits}e{exponent}"))
    bare = _BARE_POWER.match(text, match.start())
    if bare:
        return replace(number, end=bare.end(), value=float(f"1e{(bare[1] or bare[2]).translate(_POWERS)}"))
    fraction = _FRACTION.match(text, match.start())
    if fraction and 0 < int(fraction[1]) < int(fraction[2]) <= 20:
        value = round(int(fraction[1]) / int(fraction[2]), 4)
        return replace(number, end=fraction.end(), value=value, fraction=True)
    return _with_scale(text, number)


def _chinese(text: str, match: re.Match[str]) -> Number | None:
    written = match.group()
    fraction = _CHINESE_FRACTION.match(text, match.start())
    if fraction:
        below, above = _chinese_value(fraction[1]), _chinese_value(fraction[2])
        if above and below and above < below:
            return Number(match.start(), fraction.end(), round(above / below, 4), chinese=True, fraction=True)
        return None
    # 三千克: leave the prefix to the unit
    while len(written) > 1 and _UNIT_PREFIX.match(text, match.start() + len(written) - 1):
        written = written[:-1]
    if _UNIT_PREFIX.match(text, match.start()):
        return None
    value = _chinese_value(written)
    if value is None:
        return None
    number = Number(match.start(), match.start() + len(written), value, chinese=True)
    return _with_scale(text, number)


def find_numbers(text: str) -> Iterator[Number]:
    """Yield the numbers of folded `text` in order, without signs, ranges or units; they do not overlap."""
    position = 0
    arabic, chinese = _ARABIC.finditer(text), _CHINESE.finditer(text)
    next_arabic, next_chinese = next(arabic, None), next(chinese, None)
    while next_arabic or next_chinese:
        use_arabic = next_chinese is None or (next_arabic is not None and next_arabic.start() < next_chinese.start())
        match = next_arabic if use_arabic else next_chinese
        if match is None:
            return
        if use_arabic:
            next_arabic = next(arabic, None)
        else:
            next_chinese = next(chinese, None)
        if match.start() < position:
            continue
        number = _arabic(text, match) if use_arabic else _chinese(text, match)
        position = number.end if number else match.end()
        if number is None:
            continue
        before = text[max(0, number.start - 3) : number.start]
        if before == "百分之":
            number = replace(number, start=number.start - 3, percent=True)
        yield number
