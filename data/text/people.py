"""Personal data in free texts: names behind labels, telephone numbers, mail addresses, identity numbers, hidden in place."""

import re

HIDDEN = "＊"
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15})(?![0-9A-Za-z])"
    r"|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,120}\.[A-Za-z]{2,10}"
    r"|(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)"
    r"|(?<!\d)0\d{2,3}[-－—]\d{7,8}(?:[-转]\d{1,6})?(?!\d)"
    r"|(?:微信号?|QQ|qq)[:：\s]{0,3}[A-Za-z0-9_-]{5,20}"
)
_NAMED = re.compile(
    r"(?:联系人|负责人|联络人|经办人|法定代表人|法人代表|法人|姓名|总经理|董事长|技术总监|厂长|工程师|教授|经理|主任)"
    r"(?:姓名)?[:：是为\s]{1,3}(?P<name>[\u4e00-\u9fff](?:[\u4e00-\u9fff·]{1,4}))(?![\u4e00-\u9fff])"
)
_TITLED = re.compile(
    r"(?<![\u4e00-\u9fff])(?P<name>[\u4e00-\u9fff]{1,3})(?=(?:先生|女士|小姐|总经理|经理|主任|厂长|教授|博士|老师))"
)


def without_people(text: str) -> str:
    """Return the text with personal data hidden, character for character: what is left is where it was."""
    found = [match.span() for match in _PERSONAL.finditer(text)]
    found += [match.span("name") for pattern in (_NAMED, _TITLED) for match in pattern.finditer(text)]
    characters = list(text)
    for start, end in found:
        characters[start:end] = HIDDEN * (end - start)
    return "".join(characters)
