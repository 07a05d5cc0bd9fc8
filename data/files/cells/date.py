"""Days and moments: Chinese, Excel's and English spellings, serial numbers, months and ranges, 长期."""

import re
from datetime import UTC, date, datetime

from data.clocks import EARLIEST, SKEW
from data.dates import CHINA_STANDARD_TIME, DateError, is_plain_moment, read_day, read_moment
from data.files.cells import EMPTY, Cell, plain

_FOR_EVER = re.compile(
    r"(?:招满|额满|解决|完成|对接成功)(?:即止|为止)|(?:长期|永久|无限期|不限期?|持续|常年|全年)(?:有效|征集|招募|对接)?|无期限|不设截止|9999[-/.年]12[-/.月]31日?.*"
)


def day(value: object, *, end: bool = False, past: bool = False) -> Cell:
    """Return the day that a cell tells; of a month or range the first day, with `end` the last.

    长期 and its like are no day and need no note where a deadline is asked for (`end`). `past` refuses days to come.
    """
    text = value if isinstance(value, int | float | date) and not isinstance(value, bool) else plain(value)
    if text == "" or (end and isinstance(text, str) and _FOR_EVER.fullmatch(text)):
        return EMPTY
    try:
        found = read_day(text, end=end)
    except DateError as error:
        return Cell(note=str(error))
    if past and found > (datetime.now(CHINA_STANDARD_TIME) + SKEW).date():
        return Cell(note="是将来的日期")
    return Cell(found)


def moment(value: object) -> Cell:
    """Return the moment in the past that a cell tells, in UTC."""
    as_it_is = isinstance(value, int | float | date) and not isinstance(value, bool)
    text = value if as_it_is or (isinstance(value, str) and is_plain_moment(value)) else plain(value)
    if text == "":
        return EMPTY
    try:
        found = read_moment(text)
    except DateError as error:
        return Cell(note=str(error))
    if found < EARLIEST:
        return Cell(note="是空日期，不是实际发生的时间")
    if found > datetime.now(UTC) + SKEW:
        return Cell(note="是将来的时间")
    return Cell(found)
