"""Dates and moments as Chinese files and clients write them: one reader for cells and for the API.

Numbers follow the calendar's notation with own patterns, because dateutil takes `21.3.1` for the 21st of March 2001;
English month names are left to dateutil.
"""

import re
import unicodedata
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, timezone

CHINA_STANDARD_TIME = timezone(timedelta(hours=8))

# What a platform can have recorded; earlier and later dates are null dates or slips.
FIRST_YEAR, LAST_YEAR = 1900, 2199

_DIGITS = str.maketrans("〇零一二三四五六七八九○Ｏ", "0012345678900")
_TENS = re.compile(r"([一二三四五六七八九]?)十([一二三四五六七八九]?)")
_CHINESE_DATE = re.compile(r"[〇零○一二三四五六七八九十]{1,4}(?=[年月日号])")
_SEPARATOR = r"(?:\s*[年/.\-、月]\s*|\s+)"
_YEAR = r"(?P<year>(?:19|20|21)\d\d|0000|0001|9999)"
_DAY = re.compile(
    rf"{_YEAR}{_SEPARATOR}(?P<month>\d{{1,2}})(?:{_SEPARATOR}(?P<day>\d{{1,2}}))?\s*[日号月]?\s*(?P<rest>.*)", re.DOTALL
)
_YEAR_ALONE = re.compile(rf"{_YEAR}\s*(?:年度?)?")
_SHORT_YEAR = re.compile(r"(?P<year>\d\d)[./\-](?P<month>\d{1,2})[./\-](?P<day>\d{1,2})")
_MONTH_FIRST = re.compile(r"(?P<first>\d{1,2})[/\-.](?P<second>\d{1,2})[/\-.](?P<year>(?:19|20)\d\d)(?P<rest>\s.*)?")
_COMPACT = re.compile(r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?P<clock>\d{6})?")
_COMPACT_MONTH = re.compile(r"(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])")
_YEARS = re.compile(r"((?:19|20)\d\d)\s*[-~]\s*((?:19|20)\d\d)")
_YEAR_END = re.compile(r"((?:19|20)\d\d)\s*年?\s*(?:年?底|年?末)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CLOCK = re.compile(
    r"T?(?:[上下]午|AM|PM)?\s*(?P<hour>\d{1,2})[:时点](?P<minute>\d{1,2})?分?(?::?(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,9}))?秒?)?"
    r"\s*(?P<half>AM|PM)?\s*(?P<zone>Z|UTC|GMT|CST|[+\-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
# Parts of a year or month: the first and the last of their months or days.
_PART_OF_YEAR = re.compile(
    rf"{_YEAR}\s*年?度?\s*(?:(?P<half>[上下])半年|第?(?P<quarter>[一二三四1-4])季度?|[Qq](?P<q>[1-4])|(?P<begin>年?初))"
)
_PART_OF_MONTH = re.compile(rf"{_YEAR}\s*年\s*(?P<month>\d{{1,2}})\s*月\s*份?\s*(?P<part>[上中下]旬|月?初|月?[底末])")
_TWO_DIGIT_YEAR = re.compile(r"(?P<year>\d\d)\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]")
_LEAD = re.compile(r"^(?:截[止至]到?|截止日期|至|到|于|自|从)\s*[:]?\s*(?=\d)")
_WEEKDAY = re.compile(r"[(]?\s*(?:周|星期|礼拜)[一二三四五六日天]\s*[)]?")
_RANGE = re.compile(r"\s*(?:至|到|~|—+|--+|–|\s-\s)\s*")
_TIGHT_RANGE = re.compile(r"^(\d{4}([./])\d{1,2}\2\d{1,2})-(\d{4}\2\d{1,2}\2\d{1,2})$")
_TAIL = re.compile(r"[(]?(?:之?前|以前|止|截止|为止|起|后|左右)[)]?$")
_EXCEL_EPOCH = datetime(1899, 12, 30)
_EXCEL = (18_264, 73_415)  # 1950 to 2100
_UNIX = (631_152_000, 4_102_444_800)  # 1990 to 2100


# 2024-05-01T08:30:00+08:00 as programs write it: no other spelling is to be thought of.
is_plain_moment = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+\-][0-9]{2}:[0-9]{2})"
).fullmatch


class DateError(ValueError):
    """A text is no date; the message is a short Chinese reason."""


def read_day(value: object, *, end: bool = False) -> date:
    """Return the calendar day (China's) that a text, a spreadsheet's serial number or a timestamp tells.

    Of a month, a year or a range the first day counts, with `end` the last.

    Raises:
        DateError: it tells none, or a day outside 1900-2199.

    """
    if isinstance(value, datetime):
        return _plausible(value.astimezone(CHINA_STANDARD_TIME) if value.tzinfo else value).date()
    if isinstance(value, date):
        return _plausible(datetime.combine(value, time())).date()
    found = _plausible(_moment(value, end=end))
    return (found.astimezone(CHINA_STANDARD_TIME) if found.tzinfo else found).date()


def read_moment(value: object) -> datetime:
    """Return the moment, in UTC, that a text or number tells; one without offset is China Standard Time.

    Raises:
        DateError: it tells none, or one at the edge of the calendar; whether it can have happened, `data.clocks` tells.

    """
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime.combine(value, time())
    else:
        found = _moment(value, end=False)
    if not FIRST_YEAR <= found.year < 9999:  # offsets would lead beyond the calendar
        raise DateError(
            "是空日期，不是实际发生的时间" if found.year < FIRST_YEAR else "是日历的最后一年，不是实际发生的时间"
        )
    return (found if found.tzinfo else found.replace(tzinfo=CHINA_STANDARD_TIME)).astimezone(UTC)


def _plausible(found: datetime) -> datetime:
    if found.year < FIRST_YEAR:
        raise DateError("是空日期，不是实际发生的时间")
    if found.year > LAST_YEAR:
        raise DateError(f"晚于 {LAST_YEAR} 年")
    return found


def _moment(value: object, *, end: bool) -> datetime:
    """Read a number or text."""
    if isinstance(value, bool):
        raise DateError("不是有效的日期，例如 2024-05-01")
    if isinstance(value, int | float):
        if not -1e15 < value < 1e15:  # also not a number, and integers that no float holds
            raise DateError("数字不能当作日期")
        return _of_number(float(value), end=end)
    text = _uniform(str(value))
    try:
        return datetime.fromisoformat(text) if text[:4].isdigit() and text[4:5] == "-" else _of_text(text, end=end)
    except DateError:
        raise
    except (ValueError, OverflowError):
        return _of_text(text, end=end)


def _of_number(number: float, *, end: bool) -> datetime:
    """Read a spreadsheet's day number, YYYYMMDD, YYYYMM, a year, or Unix seconds or milliseconds."""
    if _EXCEL[0] <= number <= _EXCEL[1]:
        moment = _EXCEL_EPOCH + timedelta(days=number)
        return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)
    if float(number).is_integer() and (match := _COMPACT.fullmatch(str(int(number)))):
        return _of_compact(match)
    if float(number).is_integer() and (match := _COMPACT_MONTH.fullmatch(str(int(number)))):
        year, month = int(match["year"]), int(match["month"])
        return _made(year, month, monthrange(year, month)[1] if end else 1)
    for scale in (1, 1000):
        if _UNIX[0] <= number / scale <= _UNIX[1]:
            return datetime.fromtimestamp(number / scale, tz=CHINA_STANDARD_TIME)
    if FIRST_YEAR <= number <= 2100 and float(number).is_integer():
        return datetime(int(number), 1, 1)
    raise DateError("数字不能当作日期")


def _of_text(text: str, *, end: bool) -> datetime:  # noqa: PLR0911 - one return for each spelling
    text = _LEAD.sub("", text)
    if "年" in text or "Q" in text.upper():
        found = _of_words(_TAIL.sub("", text), end=end)
        if found is not None:
            return found
    if match := _TIGHT_RANGE.match(text):
        return _of_text(match.group(3 if end else 1), end=end)
    if _NUMBER.fullmatch(text) and not _YEAR_ALONE.fullmatch(text) and not _is_month(text):
        return _of_number(min(float(text), 1e15), end=end)
    if match := _YEARS.fullmatch(text):
        return _of_text(match.group(2 if end else 1), end=end)
    if match := _DAY.fullmatch(text):
        return _of_parts(match, end=end)
    if match := _YEAR_ALONE.fullmatch(text):
        year = int(match["year"])
        return _made(year, 12 if end else 1, 31 if end else 1)
    if match := _SHORT_YEAR.fullmatch(text):
        return _made(2000 + int(match["year"]), int(match["month"]), int(match["day"]))
    if match := _MONTH_FIRST.fullmatch(text):
        month, day = int(match["first"]), int(match["second"])
        if month > 12:
            month, day = day, month
        return _made(int(match["year"]), month, day)
    parts = [part for part in _RANGE.split(text) if part]
    if len(parts) == 2 and parts[0] != text:
        return _of_text(parts[1 if end else 0], end=end)
    return _english(text)


def _of_words(text: str, *, end: bool) -> datetime | None:
    """Read a part of a year or month, its end, and a year of two digits; None if it is none of these."""
    if match := _PART_OF_YEAR.fullmatch(text):
        return _of_year_part(match, end=end)
    if match := _PART_OF_MONTH.fullmatch(text):
        return _of_month_part(match, end=end)
    if match := _TWO_DIGIT_YEAR.fullmatch(text):
        return _made(2000 + int(match["year"]), int(match["month"]), int(match["day"]))
    if match := _YEAR_END.fullmatch(text):
        return _made(int(match.group(1)), 12, 31)
    return None


def _of_year_part(match: re.Match[str], *, end: bool) -> datetime:
    """Read 2024年上半年, 2024年第一季度, 2024Q1, 2024年初."""
    year = int(match["year"])
    if match["begin"]:
        return _made(year, 1, 31 if end else 1)
    if match["half"]:
        first, last = (1, 6) if match["half"] == "上" else (7, 12)
    else:
        quarter = "一二三四".find(match["quarter"]) + 1 if match["quarter"] in set("一二三四") else 0
        last = 3 * (quarter or int(match["quarter"] or match["q"]))
        first = last - 2
    return _made(year, last, monthrange(year, last)[1]) if end else _made(year, first, 1)


def _of_month_part(match: re.Match[str], *, end: bool) -> datetime:
    """Read 2024年5月上旬, 2024年5月底."""
    year, month, part = int(match["year"]), int(match["month"]), match["part"]
    if not 1 <= month <= 12:
        raise DateError("日历上没有这一天")
    last = monthrange(year, month)[1]
    if part[-1] in "底末":
        return _made(year, month, last)
    first, until = {"上": (1, 10), "中": (11, 20), "下": (21, last)}.get(part[0], (1, 5))
    return _made(year, month, until if end else first)


def _is_month(text: str) -> bool:
    """Tell whether `2021.03` is meant as a month: a day number has more digits before its point."""
    return re.fullmatch(r"(?:19|20)\d\d\.\d{1,2}", text) is not None


def _of_parts(match: re.Match[str], *, end: bool) -> datetime:
    year, month = int(match["year"]), int(match["month"])
    if year == 0:
        raise DateError("是空日期，不是实际发生的时间")
    rest = match["rest"].strip()
    if match["day"] is None:
        if rest and not _TAIL.fullmatch(rest):
            return _after(rest, _made(year, month, 1), end=end)
        last = monthrange(year, month)[1] if end and 1 <= month <= 12 else 1
        return _made(year, month, last)
    moment = _made(year, month, int(match["day"]))
    return _after(rest, moment, end=end) if rest else moment


def _after(rest: str, moment: datetime, *, end: bool) -> datetime:
    """Take in what follows a day: a clock, a weekday, 前, the end of a range."""
    rest = _TAIL.sub("", _WEEKDAY.sub("", rest)).strip()
    if not rest:
        return moment
    if match := _CLOCK.fullmatch(rest):
        return _with_clock(moment, match, rest)
    parts = _RANGE.split(rest, maxsplit=1)
    if len(parts) == 2 and not parts[0]:
        return _of_text(parts[1], end=True) if end else moment
    if rest[0] == "-" and len(rest) > 6:
        return _of_text(rest[1:].strip(), end=True) if end else moment
    raise DateError("不是有效的日期，例如 2024-05-01")


def _with_clock(moment: datetime, match: re.Match[str], text: str) -> datetime:
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0)
    half = (match["half"] or "").upper()
    if ("下午" in text or "PM" in text.upper() or half == "PM") and hour < 12:
        hour += 12
    zone = match["zone"]
    if (hour, minute, second) == (24, 0, 0):  # the end of a day is written so
        hour, minute, second = 23, 59, 59
    try:
        moment = moment.replace(hour=hour, minute=minute, second=second)
    except ValueError as error:
        raise DateError("不是有效的时间") from error
    if not zone or zone.upper() == "CST":
        return moment
    if zone.upper() in {"Z", "UTC", "GMT"}:
        return moment.replace(tzinfo=UTC)
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    if minutes >= 24 * 60:
        raise DateError("不是有效的时区")
    return moment.replace(tzinfo=timezone((1 if zone[0] == "+" else -1) * timedelta(minutes=minutes)))


def _of_compact(match: re.Match[str]) -> datetime:
    moment = _made(int(match["year"]), int(match["month"]), int(match["day"]))
    if clock := match["clock"]:
        try:
            return moment.replace(hour=int(clock[:2]), minute=int(clock[2:4]), second=int(clock[4:]))
        except ValueError as error:
            raise DateError("不是有效的时间") from error
    return moment


def _made(year: int, month: int, day: int) -> datetime:
    try:
        return datetime(year, month, day)
    except ValueError as error:
        raise DateError("日历上没有这一天") from error


def _english(text: str) -> datetime:
    """Read a date with an English month name; anything else is no date."""
    if not re.search(r"[A-Za-z]{3}", text) or not re.search(r"\d", text) or not text.isascii():
        raise DateError("不是有效的日期，例如 2024-05-01")
    from dateutil import parser

    # Two defaults tell whether the text names a whole day: what it lacks is taken from them.
    zones = {"CST": CHINA_STANDARD_TIME}
    try:
        first: datetime = parser.parse(text, default=datetime(2000, 1, 1), tzinfos=zones)
        second = parser.parse(text, default=datetime(2001, 2, 2), tzinfos=zones)
    except (ValueError, OverflowError) as error:
        raise DateError("不是有效的日期，例如 2024-05-01") from error
    if first != second:
        raise DateError("不是完整的日期，例如 2024-05-01")
    return first


def _uniform(text: str) -> str:
    """Return the text with ASCII digits and marks, Chinese numerals of dates as digits, and single spaces."""
    text = unicodedata.normalize("NFKC", text).strip().strip("'\"")
    if text.isascii():
        return text
    text = " ".join(text.split())
    text = re.sub(r"(?<=\d)\s*[—–‐‑−]+\s*(?=\d{1,2}\b)", "-", text)
    if "年" in text:
        text = _CHINESE_DATE.sub(lambda match: _TENS.sub(_ten, match.group()).translate(_DIGITS), text)
    return text


def _ten(match: re.Match[str]) -> str:
    tens, ones = match.group(1) or "一", match.group(2) or "〇"
    return tens + ones
