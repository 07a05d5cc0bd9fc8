"""Units as Chinese technical texts write them: read at a position, taken apart, converted by pint."""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from knowledge_graph.quantities.folding import fold

if TYPE_CHECKING:
    import pint

MAX_ATOMS = 6
_LONGEST = 6
_EXPONENT = re.compile(r"\^?\(?(-?)([1-9])\)?(?!\d|\.\d)|([⁻]?)([¹²³⁴-⁹])")
_POWERS = {mark: number for number, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_SAMPLE = re.compile(r"10{1,3}(?=[a-zA-Zμ克毫升])")  # g/100mL
_REMARK = re.compile(r"\([A-Za-z]{1,12}\)(?=[·/.])")  # kg(N)·hm-2
_SEPARATOR = re.compile(r"\s{0,2}[·.*?•]\s{0,2}|[/每]|(?<=[a-z\d]) (?=[a-zμ]{1,3}-1)")
_LETTER = re.compile(r"[A-Za-zμΩ]")
_UNKNOWN = re.compile(r"[A-Za-zμΩ]{1,6}/[A-Za-zμΩ]{1,6}(?:[23](?!\d))?(?![A-Za-z])")
# What makes of a measure word the beginning of another word.
_NOT_COUNTED = re.compile(
    r"个(?:性|人(?!月)|别|体)|条(?:件|码|款|例)|项目|次(?:数|序|级|品|生|日|要)|种(?:子|植|类|苗|群|质|猪)|位(?:于|置|移|点|数)|"
    r"级(?:别|联)|层(?:次|面|压|析|流|级)|段(?:落|位)|处(?:理|置|于|方|在)|代(?:表|替|码|理|谢|价)|件(?:数)|家(?:庭|具|电|族)|套(?:管|餐|筒)|"
    r"组(?:织|成|合|分|件|装)|类(?:似|型|别|比)|批(?:量|准|发|复)|年(?:产|处理|加工|均|利|销|度|生产|内外|新增|出栏|利用|龄|代|会|吞吐)|"
    r"天(?:然|津|线|气)|方(?:面|案|式|法|向|便|位|程|形|可|能)|路(?:面|基|径|线)|头(?:部|孢)|道(?:路|德)|台(?:阶|架|风|湾|州)|"
    r"元(?:素|件|器|数|年)|目(?:标(?!准)|前|的|录|镜)|度(?:数|假|量|过)|块(?:状|体|煤)|支(?:架|持|撑|护|付|路|链)|片(?:状|剂|材|式)|"
    r"点(?:击|位)|名(?:称|字|义|牌)|人(?:工|才|民|类|口|员|机|体)|张(?:力|紧)|株(?:高|距|型)|尾(?:气|矿|水|矿)|头(?:盔)|"
    r"孔(?:径|隙|板|洞)|芯(?:片|线)|份(?:额)|粒(?:径|度|子)|根(?:系|据|部|茎|瘤)|瓶(?:颈|装)|轴(?:承|向|线|流|距)|转(?:化|换|移|速|向|子|型|动|让)|"
    r"圈(?:数)|升(?:级|降|温|高)|克(?:服|隆|容)|吨(?:位|袋)|米(?:粉|饭)|周(?:期|边|转|围)|只(?:是|有|能)"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit read in a text. `end` is where its writing ends; `canonical`, `factor`, `offset` as in `Quantity`."""

    end: int
    canonical: str
    factor: float
    offset: float = 0.0
    exact_factor: Fraction = Fraction(1)
    exact_offset: Fraction = Fraction(0)
    counted: bool = False


@dataclass(frozen=True, slots=True)
class _Atom:
    """One spelling's unit; `alone` tells whether it is a unit also outside a compound such as 转/分."""

    name: str
    known: bool
    alone: bool = True
    counted: bool = False


def _lines(name: str) -> list[str]:
    text = (resources.files("knowledge_graph.quantities") / "lexicon" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


@lru_cache(maxsize=1)
def _atoms() -> tuple[dict[str, _Atom], dict[str, _Atom]]:
    """Return atoms by spelling, and by lower-cased spelling where that names one unit and has two letters or more."""
    exact: dict[str, _Atom] = {}
    for line in _lines("unit_spellings.txt"):
        name, _, spellings = line.partition(":")
        for spelling in spellings.split():
            exact[fold(spelling.rstrip("-"))] = _Atom(name, known=True, alone=not spelling.endswith("-"))
    for file in ("own_units.txt", "counted.txt"):
        for line in _lines(file):
            first, *_ = line.split()
            for spelling in line.split():
                exact[fold(spelling)] = _Atom(first, known=False, counted=file == "counted.txt")
    folded: dict[str, list[_Atom]] = {}
    for spelling, atom in exact.items():
        if len(spelling) > 1:
            folded.setdefault(spelling.lower(), []).append(atom)
    # MPa and mPa differ by a factor of 10^9; where case decides, the larger is what Chinese texts mean by either (Mpa)
    loose = {
        low: min(atoms, key=lambda atom: (atom.name.startswith(("milli", "nano")), not atom.alone))
        for low, atoms in folded.items()
    }
    return exact, loose


@lru_cache(maxsize=1)
def _registry() -> "pint.UnitRegistry[Fraction]":
    import pint

    path = str(resources.files("knowledge_graph.quantities") / "lexicon" / "units.txt")
    return pint.UnitRegistry(path, non_int_type=Fraction)


def _atom_at(text: str, at: int) -> tuple[_Atom, int] | None:
    """Return the longest atom that begins at `at`, and its end."""
    exact, loose = _atoms()
    for size in range(min(_LONGEST, len(text) - at), 0, -1):
        piece = text[at : at + size]
        atom = exact.get(piece) or loose.get(piece.lower())
        if atom is None:
            continue
        end = at + size
        if _LETTER.match(piece[-1]) and end < len(text) and _LETTER.match(text[end]):
            continue  # 42CrMo, 3D
        if not _LETTER.match(piece[0]) and _NOT_COUNTED.match(text, at):
            continue
        return atom, end
    return None


def _exponent_at(text: str, at: int, *, latin: bool) -> tuple[int, int]:
    """Return (exponent, end) of a power written at `at`; 1 if there is none."""
    match = _EXPONENT.match(text, at)
    if not match:
        return 1, at
    if match[4]:
        return (-1 if match[3] else 1) * _POWERS[match[4]], match.end()
    signed = match[1] == "-" or "^" in match.group()
    if not latin or (not signed and match[2] not in "234") or (match[1] and int(match[2]) > 4):
        return 1, at
    return (-1 if match[1] else 1) * int(match[2]), match.end()


def read_unit(text: str, at: int) -> Unit | None:
    """Return the unit written at `at` of folded `text`, or None.

    Units multiply with ·, divide with / or 每, and take powers (m3, hm-2, s⁻¹); at most `MAX_ATOMS` factors are read.
    """
    parts: list[tuple[_Atom, int]] = []
    scale = 1
    sign, position, end = 1, at, at
    for _ in range(MAX_ATOMS):
        grouped = bool(parts) and text.startswith("(", position)
        found = _atom_at(text, position + grouped)
        if found is None:
            break
        atom, stop = found
        exponent, stop = _exponent_at(text, stop, latin=bool(_LETTER.match(text[stop - 1])))
        parts.append((atom, sign * abs(exponent) if sign < 0 else exponent))
        end = stop
        if grouped:  # W/(m·K)
            inner = re.compile(r"[·.*]").match(text, stop)
            second = _atom_at(text, inner.end()) if inner else None
            if second is not None:
                parts.append((second[0], sign))
                end = second[1]
            end += text.startswith(")", end)
        remark = _REMARK.match(text, end)
        separator = _SEPARATOR.match(text, remark.end() if remark else end)
        if separator is None:
            break
        sign = -1 if sign < 0 or separator.group() in "/每" else 1  # W/m·K is W/(m·K)
        position = separator.end()
        sample = _SAMPLE.match(text, position) if sign < 0 else None
        if sample and _atom_at(text, sample.end()):
            scale *= int(sample.group())
            position = sample.end()
    if not parts or (len(parts) == 1 and not parts[0][0].alone):
        unknown = _UNKNOWN.match(text, at)
        return Unit(unknown.end(), unknown.group().lower(), 1.0) if unknown else None
    canonical, factor, offset = _convert(tuple(parts), scale)
    counted = parts[0][0].counted and len(parts) == 1
    return Unit(end, canonical, float(factor), float(offset), factor, offset, counted=counted)


@lru_cache(maxsize=10_000)
def _convert(parts: tuple[tuple[_Atom, int], ...], scale: int) -> tuple[str, Fraction, Fraction]:
    """Return (canonical unit, factor, offset) of a product of atoms; unknown ones stay as they are."""
    registry = _registry()
    powers: dict[str, int] = {}
    alone = len(parts) == 1 and parts[0][1] == 1
    total = registry.Quantity(Fraction(1, scale), "")
    offset = Fraction(0)
    for atom, exponent in parts:
        if not atom.known:
            powers[atom.name] = powers.get(atom.name, 0) + exponent
        elif atom.name in ("celsius", "fahrenheit") and alone:
            zero = registry.Quantity(Fraction(0), atom.name).to_base_units().magnitude
            one = registry.Quantity(Fraction(1), atom.name).to_base_units().magnitude
            total, offset = registry.Quantity(one - zero, "kelvin"), zero
        else:
            total = (
                total
                * registry.Quantity(Fraction(1), "celsius_step" if atom.name == "celsius" else atom.name) ** exponent
            )
    base = total.to_base_units()
    powers |= {str(name): int(str(power)) for name, power in base.unit_items() if name != "ratio"}
    canonical = "·".join(name if power == 1 else f"{name}^{power}" for name, power in sorted(powers.items()) if power)
    return canonical, Fraction(base.magnitude), Fraction(offset)


def convert(value: float, unit: str, into: str) -> float | None:
    """Return `value` of `unit` in the unit `into`, both as texts write them; None if they measure different things."""
    one, other = read_unit(fold(unit), 0), read_unit(fold(into), 0)
    if one is None or other is None or one.canonical != other.canonical:
        return None
    exact = Fraction(str(value)) * one.exact_factor + one.exact_offset
    return float((exact - other.exact_offset) / other.exact_factor)
