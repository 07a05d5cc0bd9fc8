"""The test that one condition states: figures joined by and and or, places, legal form, qualifications, absences."""

import re
from dataclasses import dataclass
from itertools import pairwise

from knowledge_graph.criteria.fields import field_of, phrase_of
from knowledge_graph.criteria.figures import DATE_UNIT, Figure
from knowledge_graph.criteria.types import Group, Leaf, Test, all_of, any_of, is_number, leaves

_OR = re.compile(r"或(?!有)|／|(?<=[专利权著])/|之一|任意一项")
_AND = re.compile(r"^[^，,；;或]{0,3}[，,；;、]?(?:且|并|同时|其中|均)")
_SHARED = re.compile(r"[^，。；、]{2,}?(?:或|／|/)[^，。；]{2,}$")
_COUNTABLE = re.compile(r"记录|事故|违法|违规|违纪|劣迹|处罚|案件|投诉|失信|犯罪")
_NEGATED = re.compile(
    r"无(?!形|线|人|害|偿|论|障碍|缝)|未(?!来)|没有|不存在|不得(?!低|少|超|高|大)|不具备|不是|不属|非从事|不侵犯|不能(?!低|少)|不含|不重复|不再(?!受)|不在(?!少)|不享受|不支持|不予"
)
_STATED = re.compile(r"(?:情形|情况|行为|的|者)$")
_LEGAL = re.compile(
    r"(?P<no>不具备|不具有|非)?(?:具有|具备|依法成立的?|的)?(?:独立)?(?:企业法人|法人(?:资格|地位|单位|企业|机构|组织)|独立法人)"
    r"(?!股东|代表|治理|的，由|，由|申请)"
)
_PLACE = re.compile(
    r"(?P<name>本市|本省|我市|我省|全市|省内|市内|在京|[\u4e00-\u9fff]{2}(?=地区)|(?![在于的])[\u4e00-\u9fff]{2,6}?[省市])(?:行政区[域划]|辖区|地区|范围|区域|市场监管部门|工商)*(?:内|范围内)?"
    r"(?:依法|办理|进行|税务|工商|的|且|已|实际)*(?:登记|注册|设立|纳税|成立)"
)
_QUALIFIED = re.compile(r"(?:认定|评定|授予|获评|获得|取得|持有|已获|纳入|列入|入选|评为|拥有|具备|通过|属于|是|为|经)")
_QUALIFICATION = re.compile(
    r"[“《]?[\u4e00-\u9fffA-Za-z“”《》（）()\-]{2,30}?(?:高新技术企业|科技型中小企业|中小企业|示范企业|优势企业|试点企业|试点单位|示范单位|小巨人”?企业|小巨人|独角兽企业|瞪羚企业|领军企业|"
    r"老字号”?(?:企业)?|品牌机构|证书|许可证|资质|资格|称号|备案(?:登记|回执单)?|认证|名录|示范基地|研发机构)"
)
_BEFORE_NAME = re.compile(
    r"^.*(?:认定为?的?|获评|获得|取得|持有的?|纳入|列入|入选|具备|通过|属于|已被|已经|办理|从事|包括|发布的|注册的|批准的?|建立|"
    r"指|应为|应是|应由|经|为|或|和|及|、|的)(?=[\u4e00-\u9fffA-Za-z“《]{4,})"
)
_NO_NAME = re.compile(
    r"^(?:在|并|登记|同意|首次|市级备案|全国中小企业$|可|形成|相应|有关|相关|专业资质|经营资质|中小企业)|部门|委员会|[或和及]|称号$"
)
_OWN_RIGHTS = re.compile(
    r"^(?:企业|申报单位|申请单位|单位)?(?:已|须|应|应当)*(?:拥有|具备|具有)(?:(?P<other>[^，,。；、]{2,10})或)?(?:有效|核心|相关)?的?(?:自主)?知识产权(?!.{0,3}(?:占|运营|管理|战略|工作|服务|制度|的(?!自)|和))"
)
_INSPECTED = re.compile(
    r"(?:近|最近|连续)(?P<years>[一二两三四五六七八九\d])(?:个?会计)?年度?(?:[^，]{0,6}(?:年检|年审|考核)[^，]{0,8}合格|连续盈利|均?(?:为)?盈利)"
)
_INDUSTRIES = re.compile(
    r"(?:属于|符合|聚焦|应为|从事|属)(?:本市|我市|国家)?(?:重点发展的)?(?P<names>[^，,。；;“”《》]{2,24}(?:、[^，,。；;、“”《》]{2,24}){1,15}?)"
    r"等?(?:高精尖|重点|战略性新兴|科技服务|优势|重要|相关)*(?:产业)?(?:领域|产业|行业)"
)
_FIELD_END = re.compile(r"等(?:高精尖|重点|战略性新兴|优势|相关|科技服务)*(?:产业|领域|行业)*$")
_FIRMS_OWN = re.compile(r"^(?:企业|申报企业|申请企业|申报单位|单位|主营业务|属于|符合|应为|从事|聚焦|须|应)")
_FACTS = frozenset({"legal_person", "registered_province", "registered_city", "qualifications"})
_YEARS = {char: number for number, char in enumerate("零一二三四五六七八九")} | {"两": 2}


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison of a condition, and where in the text it is."""

    start: int
    end: int
    test: Test
    anchor: int = -1


def build_test(
    text: str, plain: str, start: int, end: int, figures: list[Figure], region: int, topic: str = "", *, excluded: bool
) -> Test:
    """Return the test that the condition at [start, end) of masked `text` states, over facts; `plain` is the text unmasked.

    `region` is the GB/T 2260 code that 本市 and 本省 mean, 0 if unknown; `topic` the heading above the condition; `excluded`
    tells that it is listed under what must not be.
    """
    words = plain[start:end]
    if excluded:
        return _absence(words)
    atoms = _figure_atoms(plain, start, end, figures, topic)
    bounds = [atom for atom in atoms if atom.anchor >= 0]
    found = _other_atoms(text, start, end, region) + _named_atoms(plain, start, end)
    atoms += [atom for atom in found if not _within(text, atom, bounds)]
    if not atoms:
        return _statement(words)
    atoms.sort(key=lambda atom: atom.start)
    return _join(text, atoms)


def _within(text: str, atom: Atom, bounds: list[Atom]) -> bool:
    """Tell whether a qualification is only what a figure counts: 5名以上具备相关职业资格."""
    if not _is_qualification(atom.test):
        return False
    return any(
        not re.search(r"[，,；;、或且并]", text[min(atom.end, bound.end) : max(atom.start, bound.anchor)])
        for bound in bounds
    )


def is_factual(test: Test) -> bool:
    """Tell whether a test names a fact that a record can show: a figure, a place, a legal form, a qualification."""
    if isinstance(test, Group) and test.mode == "any" and any(leaf.value is True for leaf in leaves(test)):
        return False  # 核心技术或自主知识产权
    return any(is_number(leaf.value) or leaf.field in _FACTS or leaf.unit == DATE_UNIT for leaf in leaves(test))


def _absence(words: str) -> Test:
    name = phrase_of(words)
    return Leaf(name, "=", 0.0) if _COUNTABLE.search(words) and not words.startswith("申报") else Leaf(name, "=", False)


def _statement(words: str) -> Test:
    """Return the test of a condition without figures: it holds, or what it rules out does not."""
    negated = _NEGATED.search(words)
    if negated:
        name = phrase_of(words.replace(negated.group(), "", 1))
        if _COUNTABLE.search(words[negated.start() :]):
            return Leaf(name, "=", 0.0, "条" if "记录" in words else "")
        return Leaf(name, "=", False)
    return Leaf(phrase_of(words) or words[:40], "=", True)


def _figure_atoms(text: str, start: int, end: int, figures: list[Figure], topic: str) -> list[Atom]:
    atoms: list[Atom] = []
    low = start
    for place, figure in enumerate(figures):
        high = figures[place + 1].start if place + 1 < len(figures) else end
        rank = figure.unit == "名" and figure.op == "<="
        if atoms and figure.start < low and isinstance(atoms[-1].test, Leaf):  # the second bound of 1-2个
            test: Test = Leaf(atoms[-1].test.field, figure.op, figure.value, figure.unit)
            atoms.append(Atom(figure.start, figure.end, test, figure.start))
        else:
            before = text[low : figure.start] if figure.start > low else ""
            if place:  # the text before 或 or a comma belongs to the figure before
                before = re.split(r"[，,；;]或?者?|^[^，,；;]{0,24}?或者?", before)[-1]
            test = _shared(before, text[figure.end : high], figure, topic, rank=rank)
            atoms.append(Atom(max(low, start), figure.end, test, figure.start))
        low = max(low, figure.end)
    return atoms


def _shared(before: str, after: str, figure: Figure, topic: str, *, rank: bool) -> Test:
    """Return one comparison, or any of two where one figure bounds what two names joined by 或 measure."""
    tail = re.split(r"[，,；;。]", before)[-1]
    if _SHARED.match(tail) and not re.search(r"或者?$", tail) and not re.search(r"[及]?或(?:以上|以下)", tail):
        names = re.split(r"或者?|／|/", tail)
        if 1 < len(names) <= 4 and all(len(name) >= 2 for name in names):
            fields = list(dict.fromkeys(field_of(name, after, figure.unit, rank=rank) for name in names))
            return any_of([Leaf(field, figure.op, figure.value, figure.unit) for field in fields])
    return Leaf(field_of(tail, after, figure.unit, topic, rank=rank), figure.op, figure.value, figure.unit)


def _other_atoms(text: str, start: int, end: int, region: int) -> list[Atom]:
    words = text[start:end]
    atoms: list[Atom] = []
    place = _PLACE.search(words)
    if place:
        code = _code(place["name"], region)
        if code:
            field = "registered_province" if code % 10_000 == 0 else "registered_city"
            atoms.append(Atom(start + place.start(), start + place.end(), Leaf(field, "=", str(code))))
    legal = _LEGAL.search(words)
    if legal:
        test = Leaf("legal_person", "=", not legal["no"])
        atoms.append(Atom(start + legal.start(), start + legal.end(), test))
    inspected = _INSPECTED.search(words)
    if inspected:
        years = inspected["years"]
        value = float(years) if years.isdigit() else float(_YEARS[years])
        name = "profitable_years" if "盈利" in inspected.group() else "annual_inspection_passed_years"
        atoms.append(Atom(start + inspected.start(), start + inspected.end(), Leaf(name, ">=", value, "年")))
    fields = _INDUSTRIES.search(words)
    if fields and not legal:
        parts = re.split(r"[、，,]|以及|和(?=[^、]{2,12}$)", fields["names"])
        names = tuple(name for part in parts if 2 <= len(name := _FIELD_END.sub("", part)) <= 24)
        if len(names) >= 2:
            field = "industry" if _FIRMS_OWN.search(words) else phrase_of(words[: fields.start()]) or "industry"
            atoms.append(Atom(start + fields.start(), start + fields.end(), Leaf(field, "in", names)))
    rights = _OWN_RIGHTS.search(words)
    if rights and not re.search(r"占|数量|件|项", words):
        owned: Test = Leaf("granted_ip_any", ">=", 1.0, "件")
        if rights["other"]:
            owned = any_of([Leaf(phrase_of(rights["other"]), "=", True), owned])
        atoms.append(Atom(start + rights.start(), start + rights.end(), owned))
    return atoms


def _named_atoms(plain: str, start: int, end: int) -> list[Atom]:
    words = plain[start:end]
    return [] if _OWN_RIGHTS.search(words) else _qualifications(words, start)


def _qualifications(words: str, start: int) -> list[Atom]:
    asked = _QUALIFIED.search(words)
    if asked is None:
        return []
    atoms = []
    for match in _QUALIFICATION.finditer(words, asked.start()):
        name = re.sub(r"[“”《》\s]", "", _BEFORE_NAME.sub("", match.group())).strip("（）()")
        if len(name) >= 5 and not _LEGAL.search(name) and not _NO_NAME.search(name):
            at = start + max(match.start(), match.end() - len(name))
            atoms.append(Atom(at, start + match.end(), Leaf("qualifications", "contains", name)))
    return atoms


def _code(name: str, region: int) -> int:
    """Return the code that a place name means; 本市, 本省 and their like are those of the policy."""
    from knowledge_graph.taxonomy.regions import load_regions

    if name in ("本省", "我省", "省内"):
        return region // 10_000 * 10_000
    if name in ("本市", "我市", "全市", "市内"):
        return region
    if name == "在京":
        return 110000
    return load_regions().find(name) or 0


def _join(text: str, atoms: list[Atom]) -> Test:
    """Return the atoms joined as the words between them say; and binds tighter than or."""
    groups: list[list[Test]] = [[atoms[0].test]]
    for before, after in pairwise(atoms):
        gap = text[before.end : max(before.end, after.start if after.anchor < 0 else after.anchor)]
        together = bool(_AND.match(gap))
        either = not together and bool(_OR.search(gap))
        listed = not together and _both_qualify(before.test, after.test) and not re.search(r"且|并|同时", gap)
        if re.fullmatch(r"\s?或者?\s?", gap) and after.anchor >= 0:
            groups[-1][-1] = any_of([groups[-1][-1], after.test])  # 不低于3%或1000万元
        elif either or listed:
            groups.append([after.test])
        else:
            groups[-1].append(after.test)
    if len(groups) > 1 and len(groups[0]) > 1 and all(_is_qualification(test) for test in groups[0][1:]):
        common, first = groups[0][:-1], groups[0][-1:]
        return Group("all", (*common, any_of([all_of(group) for group in [first, *groups[1:]]])))
    return any_of([all_of(group) for group in groups])


def _is_qualification(test: Test) -> bool:
    return isinstance(test, Leaf) and test.field == "qualifications"


def _both_qualify(one: Test, other: Test) -> bool:
    return _is_qualification(one) and _is_qualification(other)
