"""Figures that a condition compares with: 不低于500万元, 成立一年以上, 全国前10名, 1/3以上, 1-2个, 2020年1月1日（含）以后."""

import re
from dataclasses import dataclass

from knowledge_graph.criteria.types import Op
from knowledge_graph.quantities.folding import fold
from knowledge_graph.quantities.numerals import Number, find_numbers

DATE_UNIT = "日期"
_UNIT = re.compile(
    r"\s?(?P<unit>元人民币|人民币|美元|欧元|港元|日元|元|个百分点|%|周岁|岁|个?会计年度|年度?|个月|个?季度|月|日|天|平方公里|平方米|平米|㎡|公顷|公里|亩|"
    r"人次|人天|人|名|位|家|户|个|件|项|种|次|场|篇|台|套|分|倍|吨标准煤|吨|所|类|座|辆|张|部|首|集|册|份|条|期|届|门|间|只|支|批|笔|处|"
    r"A(?![A-Za-z])|级|学时|课时|小时|星|强|档|兆瓦|千瓦时|千瓦|度|点)(?P<per>/(?:平方米|平米|亩|年|人|家|吨|月|天)|\((?:人|次|个|家|户|项|款)\))?"
)
# what makes of a measure word the beginning of another word
_NOT_UNIT = re.compile(
    r"年(?:检|龄|薪|初|底)|月(?:份|均)|日(?:均|常)|人(?:才|员|力|工|民|均)|名(?:称|单|录|义)|家庭|个(?:人|性|体)|项目|种(?:子|植|类)|次(?:数|年)|分(?:公司|园|支|别|类|为)|"
    r"所(?:有|属|在|需)|类(?:型|别|似)|部(?:门|分|委)|首(?:次|批|创)|集(?:群|团|成|聚|中)|期(?:间|限|内)|条(?:件|规定|款|例)|处(?:理|于)|点(?:击)|级(?:别|以上人民)|度(?:数)|支(?:持|付|出)|"
    r"强(?:化|制)|位(?:于|置)"
)
_CURRENCY = re.compile(r"(?:人民币|RMB|￥)$")
_GE = (
    r"达到?或者?(?:超过|高于|大于)|(?:不|未)(?:得|应|能)?(?:低于|少于|小于|短于|晚于)|至少(?:为|有|在|拥有|应有)?|最低|大于(?:或)?等于|"
    r"高于(?:或)?等于|≥|>=|达到?了?|已?满|超过或等于|起步于"
)
_LE = (
    r"(?:不|未)(?:得|应|能|可)?(?:超过|高于|多于|大于|长于|迟于|早于)|至多|最多|最高|小于(?:或)?等于|低于(?:或)?等于|≤|<=|仅(?:限|可|能)?|"
    r"只(?:能|可|限)|限(?:报|于)?|控制在"
)
_GT = r"高于|大于|多于|超过|超|逾|>|突破|长于"
_LT = r"低于|小于|少于|不足|不满|未满|不到|<|短于"
_BEFORE = re.compile(
    rf"(?:(?P<ge>{_GE})|(?P<le>{_LE})|(?P<gt>{_GT})|(?P<lt>{_LT})|(?P<rank>前|排名前|位列前|居前))"
    r"\s?(?:人民币|约|到|于|为|有|总计|共计?|累计|合计|申报|申请|申领|领办|建立|享受|获得|选择|资助|一个|其中)?\s?$"
)
_FAR_BEFORE = re.compile(
    r"(?:(?P<ge>不(?:得|应)?(?:低于|少于|小于))|(?P<le>不(?:得|应)?(?:超过|高于|大于|多于)))[^，,。；;、\d]{1,20}的?\s?$"
)
_CLOSE = r"(?:\((?:含[^()]{0,6}|不含(?:等于|本数)?)\))"
_AFTER = re.compile(
    rf"(?:元|人民币)?\s?(?P<one>{_CLOSE})?(?:\s?(?:及|或|或者|和)\s?)?"
    rf"(?P<word>以上|以下|以内|之内|以外|及上|起|以后|之后|以前|之前|后|前|内)?(?P<two>{_CLOSE})?"
)
_RANGE = re.compile(r"\s?(?:\(含\))?\s?[-~至到]\s?")
_PERIOD_BEFORE = re.compile(
    r"(?:近|最近|过去|此前|前|上|每|连续|任意|任一|其中|同|当|第|首|未来|今后|提前|“十|之日起?|截至|自)\s?$"
)
_PERIOD_UNIT = re.compile(r"^(?:个?会计年度|年度?|个月|个?季度|月|日|天)$")
_COUNTED_PERIOD = re.compile(
    r"(?:成立|设立|注册|登记|建成|运营|经营|营业|经验|从业|从事|工作|业务|期限|时间|有效期|周期|剩余|距|满|资助|奖励|后|完成|验收|结项|周转|机构|业务[^，。]{0,4})"
    r"[^，。；]{0,14}$"
)
_OWNS = re.compile(
    r"(?:具有|具备|拥有|有|设有|建有|配备|配置|获得|取得|获|引进|承担|完成|授权|形成|参与|制定|发表|新增|培育|为|是|属|设置|评估结论应在|／|/|\(|建议[^，。]{0,4})\s?$"
)
_SUPPOSED = re.compile(r"(?:如有|如果|若|不满足)[^，。；]{0,6}$")
_CALENDAR = re.compile(r"[年月度]\s?$")
_DATE = re.compile(
    r"(?P<y>(?:19|20)\d\d)年(?:(?P<m>1[0-2]|0?[1-9])月(?:(?P<d>3[01]|[12]\d|0?[1-9])日)?)?(?P<close>\(含\)|\(不含\))?"
    r"\s?(?P<word>以后|之后|以前|之前|起|后|前|以来)?(?P<two>\(含\)|\(不含\))?"
)
_YEARS = re.compile(r"(?P<low>(?:19|20)\d\d)(?:年度?)?\s?[-~至]\s?(?P<high>(?:19|20)\d\d)年度?(?:内|期间)?")
_RELATIVE = re.compile(
    r"(?P<year>上一?年度?|本年度|当年度?|前一年度?)(?:开始|(?P<m>1[0-2]|[1-9])月(?:(?P<d>3[01]|[12]\d|[1-9])日)?)?(?P<close>\(含\))?"
    r"\s?(?P<word>以后|之后|以前|之前|起|后|前)(?P<two>\(含\))?"
)
_DATE_SPAN = re.compile(r"^\s?(?:至|到|-|~)\s?(?=(?:(?:19|20)\d\d年)?\d{1,2}月|(?:19|20)\d\d年)")
_MASKED = re.compile(
    r"《[^《》]{0,120}》|\([^()]{0,12}\d{4}\)|[〔\[(]\d{4}[〕\])]\d{1,4}号|“[^”]{0,30}”|第\d{1,3}条|[A-Z]{2,4}(?:/[A-Z])?\s?\d{3,6}(?:[-—]\d{4})?|\d{4}版|第[一二三四五六七八九十\d]{1,3}(?:、[\d一二三四五六七八九十]{1,2})*条(?:规定)?"
)
_ASIDE = re.compile(r"\((?:考虑|指|如|不满|以下|下同|建议|原|自|其中)[^()]{0,80}\)")
_SCALES = {1e4: "万", 1e8: "亿", 1e3: "千", 1e2: "百", 1e12: "万亿"}
_SCALED = frozenset({"元", "美元", "欧元", "港元", "日元", "平方米", "亩", "吨", "次", "人次"})
_MONEY = re.compile(r"(?:收入|销售|资本|资金|资产|投入|费用|经费|额|产值|利润|税|贷款|投资|售|营收)[^，。；]{0,12}$")
_WORDS = dict.fromkeys(("以上", "及上", "起", "以后", "之后", "以外"), "ge")
_WORDS |= dict.fromkeys(("以内", "之内", "内"), "le") | dict.fromkeys(("以下", "以前", "之前"), "lt")
_BY_SIGN: dict[tuple[bool, bool], Op] = {
    (True, True): ">=", (True, False): ">", (False, True): "<=", (False, False): "<",
}  # fmt: skip
_OPPOSITE_DATE: dict[str, tuple[Op, Op]] = {
    "以后": (">", ">="), "之后": (">", ">="), "后": (">", ">="), "起": (">=", ">="), "以来": (">=", ">="),
    "以前": ("<", "<="), "之前": ("<", "<="), "前": ("<", "<="),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One bound at [start, end) of a text: `op`, `value` in `unit` as written; the number itself begins at `number`."""

    start: int
    end: int
    number: int
    op: Op
    value: float | str
    unit: str


def mask(text: str) -> str:
    """Return folded `text`, with what holds digits that are no figures (titles, numbers of documents) blanked."""
    folded = fold(text)
    for pattern in (_MASKED, _ASIDE):
        folded = pattern.sub(lambda match: "□" * (match.end() - match.start()), folded)
    return folded


def find_figures(text: str, start: int = 0, end: int | None = None) -> list[Figure]:
    """Return the bounds that `text`, masked, states in [start, end), in order.

    Periods of observation (近三年, 每年), ordinals and bare numerals without any comparator are no bounds.
    """
    stop = len(text) if end is None else end
    part = text[start:stop]
    dates = list(_dates(part))
    taken = [(figure.start, figure.end) for figure in dates]
    found = dates + [
        figure for figure in _numbers(part) if not any(low < figure.end and figure.start < high for low, high in taken)
    ]
    return [
        Figure(f.start + start, f.end + start, f.number + start, f.op, f.value, f.unit)
        for f in sorted(found, key=lambda f: (f.number, f.op))
    ]


def _iso(match: re.Match[str], year: str | None = None) -> str:
    return f"{year or match['y']}-{int(match['m'] or 1):02d}-{int(match['d'] or 1):02d}"


def _dates(text: str) -> list[Figure]:
    """Return bounds in days and years: 于2020年1月1日（含）以后, 2023-2024年度."""
    found: list[Figure] = []
    for match in _YEARS.finditer(text):
        for op, name in ((">=", "low"), ("<=", "high")):
            found.append(Figure(match.start(), match.end(), match.start(), op, float(match[name]), "年"))  # type: ignore[arg-type]
    for match in _RELATIVE.finditer(text):
        op = _OPPOSITE_DATE[match["word"]]["(含)" in (match["close"], match["two"])]
        day = f"{int(match['m']):02d}-{int(match['d'] or 1):02d}" if match["m"] else ""
        found.append(Figure(match.start(), match.end(), match.start(), op, match["year"] + day, DATE_UNIT))
    taken = [(figure.start, figure.end) for figure in found]
    previous: re.Match[str] | None = None
    for match in _DATE.finditer(text):
        if any(low < match.end() and match.start() < high for low, high in taken):
            continue
        spanned = _DATE_SPAN.match(text[match.end() :])
        joined = previous is not None and re.fullmatch(r"\s?[-~至到]\s?", text[previous.end() : match.start()])
        if spanned and match["m"]:
            found.append(Figure(match.start(), match.end(), match.start(), ">=", _iso(match), DATE_UNIT))
            short = re.match(r"\s?[-~至到]\s?(?P<m>\d{1,2})月(?:(?P<d>\d{1,2})日)?", text[match.end() :])
            if short:
                high = f"{match['y']}-{int(short['m']):02d}-{int(short['d'] or 28):02d}"
                end = match.end() + short.end()
                found.append(Figure(match.end(), end, match.end() + 1, "<=", high, DATE_UNIT))
        elif joined and match["m"]:
            found.append(Figure(match.start(), match.end(), match.start(), "<=", _iso(match), DATE_UNIT))
        elif match["word"] and match["m"]:
            included = "(含)" in (match["close"], match["two"])
            op = _OPPOSITE_DATE[match["word"]][included]
            found.append(Figure(match.start(), match.end(), match.start(), op, _iso(match), DATE_UNIT))
        previous = match
    return found


def _numbers(text: str) -> list[Figure]:
    numbers = [number for number in find_numbers(text) if not re.match(r"\d", text[number.start - 1 : number.start])]
    found: list[Figure] = []
    skip = -1
    for place, number in enumerate(numbers):
        if place == skip:
            continue
        following = numbers[place + 1] if place + 1 < len(numbers) else None
        if following is not None and _is_range(text, number, following):
            found += _range(text, number, following)
            skip = place + 1
            continue
        figure = _single(text, number)
        if figure is None and found and re.fullmatch(r"\s?或者?\s?", text[found[-1].end : number.start]):
            figure = _repeated(text, number, found[-1].op)  # 不低于3%或1000万元
        if figure is not None:
            found.append(figure)
    return found


def _repeated(text: str, number: Number, op: Op) -> Figure | None:
    unit, end = _unit_at(text, number.end)
    if not unit:
        return None
    value, name = _measured(number, unit, text[: number.start])
    return Figure(number.start, end, number.start, op, value, name)


def _unit_at(text: str, at: int) -> tuple[str, int]:
    """Return the unit written at `at` and where it ends; "" where there is none."""
    match = _UNIT.match(text, at)
    if match is None or _NOT_UNIT.match(text, match.start("unit")):
        return "", at
    unit = "元" if match["unit"] in ("人民币", "元人民币") else match["unit"]
    return unit + (match["per"] or ""), match.end()


def _is_range(text: str, low: Number, high: Number) -> bool:
    _, end = _unit_at(text, low.end)
    return bool(_RANGE.fullmatch(text[end : high.start])) and not low.chinese


def _measured(number: Number, unit: str, before: str) -> tuple[float, str]:
    """Return value and unit as people write them: 2 and 亿元, not 200000000 and 元."""
    if number.percent:
        return number.value, "%"
    sign = _SCALES.get(number.scale, "")
    if not unit and sign and _MONEY.search(before):
        unit = "元"
    if sign in ("万", "亿", "万亿") or (sign and unit.partition("/")[0] in _SCALED):
        return float(f"{number.value / number.scale:.12g}"), sign + unit
    return number.value, unit


def _range(text: str, low: Number, high: Number) -> list[Figure]:
    """Return the two bounds of 1-2个, 10万元至20万元; none of a period or of a range without a unit."""
    before = text[: low.start]
    unit, end = _unit_at(text, high.end)
    if not unit and high.scale == 1:
        return []
    own, _ = _unit_at(text, low.end)
    bounds = []
    for op, number in ((">=", low), ("<=", high)):
        scaled = number
        if number is low and not own and high.scale > 1 and low.scale == 1:
            scaled = Number(low.start, low.end, low.value * high.scale, scale=high.scale)
        value, name = _measured(scaled, unit, before)
        bounds.append(Figure(low.start, end, number.start, op, value, name))  # type: ignore[arg-type]
    return bounds


def _single(text: str, number: Number) -> Figure | None:
    before = text[max(0, number.start - 24) : number.start]
    unit, end = _unit_at(text, number.end)
    if number.chinese and not unit and not number.fraction:
        return None
    after = _AFTER.match(text, end)
    word = after["word"] if after else None
    if word in ("后", "前", "内") and not _PERIOD_UNIT.match(unit):
        word = None
    closing = (after["one"] or "") + (after["two"] or "") if after else ""
    stop = after.end() if after and (word or closing) else end
    prefix = _BEFORE.search(_CURRENCY.sub("", before))
    if prefix is None and (unit in ("%", "倍") or number.fraction):
        prefix = _FAR_BEFORE.search(before)  # 不得超过制作总成本的40%
    rank = bool(prefix and prefix.lastgroup == "rank")
    if _SUPPOSED.search(before) or (unit in ("日", "月") and _CALENDAR.search(before)):
        return None
    if _PERIOD_UNIT.match(unit) and _is_period(before, word, text[stop : stop + 6]):
        return None
    if rank and unit not in ("名", "位", "%"):
        return None
    op = _op(prefix, word, closing)
    if op is None:
        op = _bare(number, unit, before)
    if op is None or (not unit and not number.fraction and number.scale == 1 and not prefix and not word):
        return None
    start = number.start - len(prefix.group()) if prefix else number.start
    value, name = _measured(number, "名" if rank and unit == "位" else unit, text[: number.start])
    return Figure(max(0, start), stop, number.start, op, value, name)


def _op(prefix: re.Match[str] | None, word: str | None, closing: str) -> Op | None:
    """Return what words before and after a number make of it; the word after it is the stricter sign.

    Bare 以下 leaves the number out, bare 以上 takes it in, as the marked policies read them; （含） and （不含） decide.
    """
    sign = prefix.lastgroup if prefix else None
    if sign == "rank":
        return "<="
    sign = _WORDS.get(word or "", sign)
    if sign is None:
        return None
    low, included = sign in ("ge", "gt"), sign in ("ge", "le")
    if closing:
        included = "不含" not in closing
    return _BY_SIGN[low, included]


def _is_period(before: str, word: str | None, after: str) -> bool:
    """Tell whether a number of years is the time that is looked at, not one that is asked for: 近三年, 三年内无事故."""
    if _PERIOD_BEFORE.search(before) and not re.search(r"(?:满|成立于|不[得应]?\w{0,2}于)\s?$", before):
        return True
    if word in ("以上", "以下", "以内"):
        return False
    if word in ("内", "之内", "来") or after.startswith("来"):
        return not _COUNTED_PERIOD.search(before)
    return False


def _bare(number: Number, unit: str, before: str) -> Op | None:
    """Return >= for a number that is possessed (有3项, 1项发明／5项实用新型), None for any other number without a sign."""
    if not unit or number.chinese or _PERIOD_UNIT.match(unit):
        return None
    return ">=" if _OWNS.search(before) or not before.strip() else None
