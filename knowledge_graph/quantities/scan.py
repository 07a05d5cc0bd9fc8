"""Measures in a text: numbers joined with their units, signs, ranges, tolerances and lists that share a unit."""

import re
from dataclasses import dataclass, replace

from knowledge_graph.quantities.exclusions import excluded_spans, inside_name, numbering_starts
from knowledge_graph.quantities.numerals import Number, find_numbers
from knowledge_graph.quantities.types import Span
from knowledge_graph.quantities.units import Unit, read_unit

MAX_NUMBERS = 1_000  # more in one text are a table dump; the rest is not read
_SCALE_UNIT = re.compile(r"(?:HRC|HRA|HRB|HBW|HBS|HB|HV|HS)\s?$")
_DIAMETER = re.compile(r"[φDd]\s?$")
_RANGE = re.compile(r"[ \t]{0,3}(?:-{1,6}|~{1,3}|至|到)\s{0,3}(?:φ|HRC|HB|HV|±)?")
_TOLERANCE = re.compile(r"\s{0,2}(?:±|\+/-|\+-)\s{0,2}")
_LIST = re.compile(r"\s{0,2}(?:[、,，/;.]|和|及|与|或)\s{0,2}")
_GAP = re.compile(r"[ \t~:]{0,2}")
_NEGATIVE_AFTER = re.compile(r"[(\[,，、;；:~≤≥<>=/±\s]")
_CJK = re.compile(r"[\u4e00-\u9fff]")
_PER = re.compile(r"每(?=[\u4e00-\u9fffa-zA-Z])")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number or range with its unit: [start, end) covers numbers and unit, `more` says 余 or 多."""

    start: int
    end: int
    values: tuple[float, ...]
    value_span: Span
    unit: Unit | None
    unit_span: Span | None
    unit_text: str
    tolerance: float = 0.0
    more: bool = False
    chinese: bool = False
    fraction: bool = False
    listed: bool = False  # shares its unit, and so its parameter, with a neighbour of a list
    numbered: bool = False  # is at the place where list items and headings have their numbers


@dataclass(frozen=True, slots=True)
class _Piece:
    """One number, signed, with the unit that follows or precedes it."""

    number: Number
    start: int
    end: int  # of the unit, or of the number
    value: float
    unit: Unit | None
    unit_span: Span | None
    unit_text: str
    numbered: bool


def _piece(text: str, number: Number, previous_end: int, numbered: bool) -> _Piece:
    value, start = number.value, number.start
    if start and text[start - 1] == "-" and start - 1 >= previous_end:
        before = text[max(previous_end, start - 2) : start - 1]
        if (not before and start < 2) or (before and _NEGATIVE_AFTER.match(before)) or _CJK.match(before):
            value, start = -value, start - 1
    elif text[max(0, start - 2) : start] == "零下":
        value, start = -value, start - 2
    if number.percent:
        percent = read_unit("%", 0)
        return _Piece(number, start, number.end, value, percent, (number.start, number.start + 3), "%", numbered)
    gap = _GAP.match(text, number.end)
    at = gap.end() if gap else number.end
    unit = read_unit(text, at)
    if unit is not None and at > number.end and ":" in text[number.end : at] and not text[at : at + 1].isascii():
        unit = None  # 10:人员
    if unit is not None:
        return _Piece(number, start, unit.end, value, unit, (at, unit.end), text[at : unit.end], numbered)
    scale = _SCALE_UNIT.search(text, max(0, start - 4), start)
    if scale:
        name = scale.group().strip()
        unit = read_unit(name, 0)
        if unit is not None:
            span = (scale.start(), scale.start() + len(name))
            return _Piece(number, scale.start(), number.end, value, replace(unit, end=number.end), span, name, numbered)
    return _Piece(number, start, number.end, value, None, None, "", numbered)


def _joinable(one: _Piece, other: _Piece) -> bool:
    """Tell whether two numbers may bound one range: 3-5 mm, 60%~85%, HRC55-65."""
    if other.unit is None:
        return one.unit is None or (one.unit_span is not None and one.unit_span[0] < one.number.start)
    return one.unit is None or one.unit.canonical == other.unit.canonical


def _pieces(text: str) -> list[_Piece]:
    """Return the numbers of `text` that are neither names nor dates, each with its unit."""
    spans = excluded_spans(text)
    numbering = numbering_starts(text)
    pieces: list[_Piece] = []
    at_span = 0
    reach = 0  # end of the excluded spans passed so far
    previous_end = 0
    for count, number in enumerate(find_numbers(text)):
        if count >= MAX_NUMBERS:
            break
        while at_span < len(spans) and spans[at_span][0] <= number.start:
            reach = max(reach, spans[at_span][1])
            at_span += 1
        if number.start < reach:
            previous_end = max(previous_end, min(reach, number.end))
            continue
        piece = _piece(text, number, previous_end, number.start in numbering)
        beside = previous_end == number.start - 1 and bool(pieces) and pieces[-1].end == previous_end
        previous_end = piece.end
        if _named(text, piece, beside=beside):
            continue
        pieces.append(piece)
    return pieces


def _named(text: str, piece: _Piece, *, beside: bool) -> bool:  # noqa: PLR0911
    """Tell whether a number belongs to a model, formula or other Latin name; `beside` another, as in 5-8, it does not."""
    number = piece.number
    if piece.unit_span and piece.unit_span[0] < number.start:
        return False
    if number.chinese:
        return number.value == 0 or (piece.unit_text == "方" and number.value < 100)
    if not beside and inside_name(text, number.start, number.end):
        before = text[number.start - 1 : number.start]
        sure = piece.unit is not None and len(piece.unit_text) > 1
        percent = piece.unit_text in ("%", "℃", "°C", "‰")
        if before.isascii() and before.isalpha() and (sure or percent):
            # COD50mg/L and pH6%: letters of one symbol, nothing numbered before them
            letters = re.search(r"[A-Za-z\d+-]{1,12}$", text[max(0, number.start - 12) : number.start])
            return letters is None or any(map(str.isdigit, letters.group())) or "-" in letters.group()
        return not _DIAMETER.search(text, max(0, number.start - 2), number.start) or text[number.start - 1] != "φ"
    if piece.unit is None and re.compile(r"\s?[A-Za-z]").match(text, number.end):
        return True  # 42CrMo, 304HR
    if piece.unit_text.isupper() and piece.unit_text.isascii() and piece.number.value in _STEELS:
        return True  # 304HR
    if piece.unit is not None and len(piece.unit_text) == 1 and piece.unit_text in "NHGCTDLKMBFSUJ":
        after = text[piece.end : piece.end + 1]
        # 304N, 316L: steels; a joint of letters and digits goes on
        if piece.number.value in _STEELS or after.isdigit() or after == "-":
            return True
    return False


_STEELS = {
    201.0,
    202.0,
    301.0,
    303.0,
    304.0,
    309.0,
    310.0,
    316.0,
    317.0,
    321.0,
    347.0,
    410.0,
    420.0,
    430.0,
    440.0,
    630.0,
}


def _share_units(text: str, pieces: list[_Piece]) -> tuple[list[_Piece], set[int]]:
    """Give numbers of a list the unit that only its last one bears: 1,2,3,4A. Returns the pieces and who received."""
    shared: set[int] = set()
    for i in range(len(pieces) - 2, -1, -1):
        piece, following = pieces[i], pieces[i + 1]
        if (
            piece.unit is not None
            or following.unit is None
            or piece.numbered
            or piece.number.chinese
            or following.unit.counted
        ):
            continue
        if following.unit_span and following.unit_span[0] < following.number.start:
            continue
        joint = text[piece.end : following.start]
        if _LIST.fullmatch(joint) and joint.strip() not in (".", ";"):
            pieces[i] = replace(
                piece, unit=following.unit, unit_span=following.unit_span, unit_text=following.unit_text
            )
            shared.add(i)
    return pieces, shared


def scan(text: str) -> list[Measure]:
    """Return the measures of folded `text` in order; numbers that cannot be quantities are left out.

    Whether a number without a unit is a quantity depends on its context, so those are returned too. Linear in the
    length of the text.
    """
    pieces, shared = _share_units(text, _pieces(text))
    measures: list[Measure] = []
    i = 0
    while i < len(pieces):
        piece = pieces[i]
        following = pieces[i + 1] if i + 1 < len(pieces) else None
        joint = text[piece.end : following.start] if following else ""
        first_end = piece.number.end if i in shared else piece.end
        if following is not None and len(joint) <= 8:
            joint = text[first_end : following.number.start]
            negative = following.value < 0 and joint.rstrip().endswith("-") and _RANGE.fullmatch(joint)
            if negative and not re.search(r"[~至到]", joint):
                following = replace(following, value=-following.value, start=following.number.start)
            elif negative:
                joint = text[first_end : following.start]
            connected = _RANGE.fullmatch(joint) or (
                joint == "/" and following.unit_text == "目" and piece.unit_text in ("", "目")
            )
            if _TOLERANCE.fullmatch(joint) and (piece.unit is None or following.unit is not None):
                measures.append(_joined(piece, following, tolerance=True))
                i += 2
                continue
            if (
                connected
                and _joinable(piece, following)
                and not (piece.unit is None and following.unit is None and piece.numbered)
            ):
                measures.append(_joined(piece, following, tolerance=False))
                i += 2
                continue
        measures.append(_single(piece, listed=i in shared or (i > 0 and i - 1 in shared)))
        i += 1
    return measures


def _single(piece: _Piece, *, listed: bool) -> Measure:
    number = piece.number
    end = piece.end if piece.unit_span is None or piece.unit_span[0] <= piece.end else number.end
    return Measure(
        piece.start, end, (piece.value,), (min(piece.start, number.start), number.end), piece.unit, piece.unit_span,
        piece.unit_text, more=number.more, chinese=number.chinese, fraction=number.fraction, listed=listed,
        numbered=piece.numbered,
    )  # fmt: skip


def _joined(one: _Piece, other: _Piece, *, tolerance: bool) -> Measure:
    """Return the range or the value with tolerance that two numbers make; 3-5万 scales both."""
    low, high = one.value, other.value
    if one.unit is not None and other.unit is not None and one.unit.factor != other.unit.factor:
        # 500nm-10μm is given in the unit of its lower end
        high *= float(other.unit.exact_factor / one.unit.exact_factor)
        return Measure(
            one.start, other.end, (min(low, high), max(low, high)), (one.start, other.number.end), one.unit,
            one.unit_span, one.unit_text,
        )  # fmt: skip
    scale = other.number.scale
    if scale > 1 and one.number.scale == 1 and abs(low) <= abs(high) / scale:
        low *= scale
    bearer = other if other.unit is not None else one
    values = (low,) if tolerance else (min(low, high), max(low, high))
    return Measure(
        one.start, other.end, values, (one.start, other.number.end), bearer.unit, bearer.unit_span, bearer.unit_text,
        tolerance=abs(high) if tolerance else 0.0, more=other.number.more, chinese=one.number.chinese,
        numbered=one.numbered,
    )  # fmt: skip


def per_prefix(text: str, start: int) -> tuple[Unit, int] | None:
    """Return the unit of 每秒|1mm, 每吨|5元 that ends before folded `text`'s `start`, and the position of 每."""
    for at in range(max(0, start - 8), start):
        if _PER.match(text, at):
            unit = read_unit(text, at + 1)
            if unit is not None and re.fullmatch(
                r"\s{0,2}(?:约|达|为|处理|可|生产|消耗|耗|仅|只|大约|能|需)?\s{0,2}", text[unit.end : start]
            ):
                return unit, at
    return None
