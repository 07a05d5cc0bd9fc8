"""The fact that a condition speaks of: a name of a firm's facts where the words are known, else the words themselves."""

import re

_STRIP = re.compile(
    r"^(?:且|并且?|或者?|同时|其中|还|以及|及|和|一是|二是|三是|[、，,:：；;\s]|申报单位的?|申请单位的?|申报企业的?|申请企业的?|企业的|原则上|一般|应当?|须|需|必须|至少|的)+"
)
_TRIM = re.compile(
    r"(?:应当?|须|需要?|必须|一般|均|原则上|总体|达到?|已|在|为|是|共计|合计|总计|累计|不|有|要|的|[、，,:：\s（(])+$"
)
_PERIOD = re.compile(r"(?:近|最近)(?P<years>[一二两三四五六七八九十\d]{1,2})(?:个?会计)?年(?:度|来|内)?")
# (pattern of the words, kinds of unit, field); the first that fits names the fact
_KNOWN: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), units, field)
    for pattern, units, field in (
        (r"业务$|领域[^，]{0,10}业务|从事[^，]{2,40}(?:工作|业务|活动)?$", "years", "years_in_field"),
        (r"(?:成立|设立|注册|登记)(?!资)", "years", "years_registered"),
        (r"运营|经营|营业", "years", "years_operating"),
        (r"建成", "years", "years_since_built"),
        (r"母公司.{0,8}资产", "money", "parent_total_assets"),
        (r"研究?开?发?费用总额/同期销售|研发费用比例", "share", "rd_to_sales_last_year"),
        (r"注册(?:资本|资金)|实缴(?:货币)?资本", "money", "registered_capital"),
        (r"(?:研究?开?发|科技)(?:费用|经费|投入|支出)?.{0,16}(?:占|比例|比重)", "share", "rd_to_sales_last_year"),
        (r"(?:研发|研究开发|科技)(?:工作)?人员.{0,12}(?:占|比例|比重)", "share", "rd_staff_share"),
        (r"(?:销售|营业|主营业务|营业务)(?:总)?(?:收入|额).{0,14}(?:复合增长率)", "share", "revenue_cagr_3y"),
        (r"复合增长率", "share", "revenue_cagr_3y"),
        (r"(?:销售|营业|主营业务)(?:总)?(?:收入|额).{0,14}(?:增长率|增速|增幅)", "share", "sales_growth"),
        (r"利润.{0,10}(?:增长率|增速|增幅)", "share", "profit_growth"),
        (r"(?:研发|研究开发|科技)(?:费用|经费|投入|支出)", "money", "rd_last_year"),
        (r"任[意一]一?年.{0,4}(?:销售|营业)", "money", "sales_any_of_3_years"),
        (r"收入均$|每年.{0,4}收入", "money", "revenue_each_of_3y"),
        (r"进出口额", "money", "import_export_last_year"),
        (r"出口(?:额|总额)", "money", "export_last_year"),
        (r"资产总[额计]|总资产", "money", "total_assets"),
        (r"净资产", "money", "net_assets"),
        (r"纳税|税收", "money", "tax_paid_last_year"),
        (r"净?利润", "money", "profit_last_year"),
        (
            r"^(?:企业|上一?年度?|最近一年|年|\d{4}年|近一年|公司|实现|全年|的|总)*(?:营业|销售|主营业务|主营)?(?:总)?(?:收入|额|营收)$",
            "money",
            "sales_last_year",
        ),
        (r"(?:研发|研究开发|科研|科技|研究)(?:工作)?人员", "people", "rd_staff"),
        (r"^(?:企业|在职|正式|专职|的|公司)*(?:从业人员|职工|员工|人员)(?:总?人?数|总数)?(?:在)?$", "people", "staff"),
        (r"有效发明专利", "count", "valid_inventions"),
        (r"发明专利申请", "count", "invention_applications"),
        (r"发明专利|^发明|项发明", "count", "invention"),
        (r"实用新型.{0,3}\+|实用新型专利.{0,30}等自主", "count", "utility_model+design+software"),
        (r"实用新型", "count", "utility_model"),
        (r"外观设计", "count", "design"),
        (r"软件著作权|软著", "count", "software"),
        (r"集成电路布图", "count", "ic_layout"),
        (r"受托[^，]{0,8}有效专利", "count", "entrusted_valid_patents"),
        (r"有效专利", "count", "valid_patents"),
        (r"(?:授权)?专利", "count", "granted_patents"),
        (r"知识产权", "count", "granted_ip_any"),
        (r"注册商标|商标", "count", "trademarks"),
        (r"全国|市场占有率|排名|位列", "rank", "segment_national_rank"),
    )
)
_KIND = {
    "%": "share",
    "个百分点": "share",
    "年": "years",
    "个月": "years",
    "年度": "years",
    "月": "years",
    "人": "people",
    "名": "people",
    "位": "people",
    "件": "count",
    "项": "count",
    "个": "count",
    "种": "count",
}
_VAGUE = re.compile(r"^(?:的|企业|单位|[，,、])*(?:比例|比重|占比|金额|数量|总额|规模)?$")
# whose figures they are, if not the firm's own
_OTHERS = re.compile(
    r"在孵|子公司|园区|基地|会员|学校|项目的?(?!数)|平台|活动|客户|股东|被投|境外(?!母公司)|国（境）|投保|负责人|被并购|孵化器|研发机构|技术中心|中心"
)


def phrase_of(words: str) -> str:
    """Return the words that name a fact of its own, without connectives and comparators, at most 40 characters."""
    phrase = _TRIM.sub("", _STRIP.sub("", words.strip()))
    phrase = re.sub(r"[（(][^（）()]*[）)]|[“”\s]", "", phrase)
    return phrase[-40:]


def kind_of_unit(unit: str, *, rank: bool = False) -> str:
    """Return what a unit measures: money, share, years, people, count, rank, or "" for anything else."""
    if rank:
        return "rank"
    return "money" if unit.endswith("元") else _KIND.get(unit, "")


def field_of(before: str, after: str, unit: str, topic: str = "", *, rank: bool = False) -> str:
    """Return the field that a figure of `unit` bounds, with the words `before` and `after` it in its clause.

    `topic` is the heading above the clause, which names the fact where the clause itself does not (比例不低于5%).
    """
    kind = kind_of_unit(unit, rank=rank)
    phrase = phrase_of(_PERIOD.sub("", before))
    counted = "" if not after or after[0] in "，,。；;、（(" else re.split(r"[，,；;。或]", after)[0][:24]
    if kind == "count" and counted and (known := _known(counted, kind)):
        return known
    if len(phrase) < 2 or _VAGUE.match(phrase):
        phrase = phrase_of(topic) or phrase_of(counted) or phrase
    return _known(phrase, kind) or phrase or "未写明的条件"


def _known(phrase: str, kind: str) -> str:
    if _OTHERS.search(phrase):
        return ""
    return next((field for pattern, units, field in _KNOWN if units == kind and pattern.search(phrase)), "")
