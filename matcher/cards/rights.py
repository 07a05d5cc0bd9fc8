"""Rights that a text names, with their number, filing day and the day on which they end."""

import re
from dataclasses import dataclass
from datetime import date

# Years from filing (patents: Patent Law 2020, article 42; plant varieties: 2025 regulation 20 or 25, the shorter one here;
# software: 50 from publication).
TERMS = {"发明专利": 20, "实用新型": 10, "外观设计": 15, "植物新品种": 20, "软件著作权": 50}
_DESIGN_BEFORE = date(2021, 6, 1)  # designs filed before have 10 years
_KINDS = (
    ("发明专利", r"发明专利|本发明|国家发明"),
    ("实用新型", r"实用新型"),
    ("外观设计", r"外观(?:设计)?专利|外观设计"),
    ("植物新品种", r"植物新品种|品种权"),
    ("软件著作权", r"软件著作权|计算机软件登记|软著"),
)
_NUMBER = re.compile(r"(?:ZL|CN)?\s*(?P<year>(?:19|20)\d{2})(?P<sort>[1238])\d{7}(?:\.[\dXx])?")
_SORTS = {"1": "发明专利", "2": "实用新型", "3": "外观设计", "8": "发明专利"}
_FILED = re.compile(
    r"申请(?:日|日期|时间)\s*[:：为]?\s*(?P<year>(?:19|20)\d{2})\s*[年./-]\s*(?P<month>\d{1,2})\s*[月./-]\s*(?P<day>\d{1,2})"
)


@dataclass(frozen=True, slots=True)
class Right:
    """A right of a kind of `TERMS`, quoted; `filed` and `ends` are None where the text does not tell when it was filed.

    A patent's number tells the year alone: `filed` is then its first day, `exact` False, and the right ends within that
    year at the earliest.
    """

    kind: str
    quote: str
    filed: date | None
    exact: bool

    @property
    def years(self) -> int:
        """How many years from filing the right lasts at most."""
        early = self.kind == "外观设计" and self.filed is not None and self.filed < _DESIGN_BEFORE
        return 10 if early else TERMS[self.kind]

    @property
    def ends(self) -> date | None:
        """The day on which the right ends at the earliest."""
        if self.filed is None:
            return None
        leap = (self.filed.month, self.filed.day) == (2, 29)
        return date(self.filed.year + self.years, self.filed.month, 28 if leap else self.filed.day)


def rights_of(text: str) -> list[Right]:
    """Return the rights that a text names: those with a number or filing day first, then kinds merely named."""
    found = []
    for number in _NUMBER.finditer(text):
        year = int(number["year"])
        found.append(Right(_SORTS[number["sort"]], number.group().strip(), date(year, 1, 1), exact=False))
    named = [(kind, one) for kind, words in _KINDS if (one := re.search(words, text))]
    if not found and named and (filed := _day(text)) is not None:
        kind, _ = named[0]
        found.append(Right(kind, filed[0], filed[1], exact=True))
    known = {one.kind for one in found}
    return [*found, *(Right(kind, one.group(), None, exact=False) for kind, one in named if kind not in known)]


def _day(text: str) -> tuple[str, date] | None:
    found = _FILED.search(text)
    if found is None:
        return None
    try:
        return found.group(), date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:  # 2月30日 is no day
        return None
