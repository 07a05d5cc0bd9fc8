"""What looks like a number and is no quantity: numbering, dates, standards, patents, model names, formulas."""

import re

_SPANS = re.compile(
    # patents, applications, approvals and other identifiers
    r"(?:ZL|CN|PCT|专利号|申请号|公开号|授权号|登记号|编号|证书号|批准文号|国药准字|软著登字第?|文号|电话|手机|邮编|传真|QQ|微信)"
    r"[:\s号为是]{0,4}[A-Za-z]{0,4}\d[\dA-Za-z./-]{1,40}"
    # standards
    r"|(?:GB|ISO|IEC|JB|HG|YB|SH|DL|QB|NB|SY|CJ|JGJ|JC|YY|FZ|NY|LY|MT|TB|JT|HJ|DB|IATF|ASTM|EN|DIN|JIS|ANSI|IEEE|AS|EJ|GJB|JJG|JJF)"
    r"(?:\d{1,2})?(?:/[A-Z]{1,3})?[\s-]{0,2}\d{1,6}(?:\.\d{1,3}){0,3}(?:[\s:-]{1,3}(?:19|20)\d{2})?"
    # dates: years, months, days; a length of time is a quantity
    r"|(?<!\d)(?:19|20)\d{2}(?:\s?[-~至到、和及与,]\s?(?:(?:19|20)\d{2}|\d{1,2}(?=\s?[年月]))){0,6}\s?[两三]?年(?:[度底初末代]|\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?[日号])?)?"
    r"|(?<![\d.])\d{1,2}月\d{1,2}[日号]|(?<!\d)(?:19|20)\d{2}[-./]\d{1,2}[-./]\d{1,2}(?!\d)|[十]{1}[一二三四五]五"
    # addresses
    r"|(?:https?://|www\.)[\w./?=&%#-]{1,200}|[\w.-]{1,40}@[\w.-]{1,40}\.[a-z]{2,6}"
    # version numbers, and chains as of IP addresses or headings
    r"|\d{1,5}\.\d{1,5}(?:\.\d{1,5}){1,4}|(?:[Vv]er(?:sion)?\.?|[vV])\s?\d{1,3}(?:\.\d{1,3})?(?![\dA-Za-z])"
    # names that hold a number
    r"|(?:PM|pm)\s?(?:2\.5|10)(?!\d)|[2-6][Gg](?![A-Za-z/])|[2-5][Dd](?![A-Za-z/])|[一二三四]维|工业\s?4\.0|双\s?100|211|985(?=工程|高校)|863计划|973计划"
    r"|IP\d{2}(?!\d)|三废|三农|三包|三电|八大|四新|三乙|二甲|四氯|三氧|一氧|二氧|五氧|三聚|四氧|二硫|一步|二次|一次性|三次谐波|三相|双一流|两化|十三五|十四五|十二五"
)  # fmt: skip
_YEAR_OF_TIME = re.compile(r"(?:19|20)\d{2}\s?(?:年以上|年左右|小时|h|次|米|mm|吨)")
_CHEMICAL = re.compile(
    r"(?:(?:He|Li|Be|Ne|Na|Mg|Al|Si|Cl|Ar|Ca|Sc|Ti|Cr|Mn|Fe|Co|Ni|Cu|Zn|Ga|Ge|As|Se|Br|Rb|Sr|Zr|Nb|Mo|Ag|Cd|In|Sn|Sb|Te|Cs|Ba|La|Ce|Nd|Hf|Ta|Pt|Au|Hg|Pb|Bi"
    r"|[HBCNOFPSKVYIW])(?:\d{1,2})?[+-]?){2,12}"
)
_NUMBERING = re.compile(
    r"(?:^|(?<=[\n。;；:，,、!?)\]】\s]))\s{0,20}(?:\d{1,2}(?:\.\d{1,2}){0,3}(?:[、)．]|\.(?!\d)|(?=[\u4e00-\u9fff]))|[一二三四五六七八九十]{1,3}[、)．.])"
    r"|[(\[【]\s?(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s?[)\]】]|[①-⑳⑴-⒇⒈-⒛]|第\s?[\d一二三四五六七八九十百]{1,4}",
    re.MULTILINE,
)
_LATIN = re.compile(r"[A-Za-z]")


def excluded_spans(text: str) -> list[tuple[int, int]]:
    """Return sorted [start, end) spans of folded `text` whose numbers are names, dates or numbering; they may overlap."""
    spans = [match.span() for match in _SPANS.finditer(text) if not _YEAR_OF_TIME.match(text, match.start())]
    spans += [match.span() for match in _CHEMICAL.finditer(text) if any(map(str.isdigit, match.group()))]
    return sorted(spans)


def numbering_starts(text: str) -> set[int]:
    """Return the positions of digits that number a list item or heading of folded `text`."""
    return {position for match in _NUMBERING.finditer(text) for position in range(match.start(), match.end())}


def inside_name(text: str, start: int, end: int) -> bool:
    """Tell whether the number at [start, end) of folded `text` is part of a Latin name: ZFJ-11D, 42CrMo, HTML5."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    if _LATIN.match(before) or before in ("_", "@", "#", "№"):
        return True
    if before in ("-", "/", ".", "+") and start > 1:
        return _LATIN.match(text[start - 2]) is not None or (before in "-." and text[start - 2].isdigit())
    return after in ("_", "@", "#")
