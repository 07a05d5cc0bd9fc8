"""HTML taken out of text: elements, comments, scripts and entities, in time linear in the text's length."""

import re
from html import unescape

_HIDDEN = re.compile(
    r"<!--(?:(?!<!--).)*?-->|<(script|style)\b[^<>]*>(?:(?!<\1\b).)*?</\1\s*>", re.IGNORECASE | re.DOTALL
)
# 10<sup>5</sup> must not become 105.
_POWER_TAG = re.compile(r"(?<=\d)<sup>(?=\s*[-+−]?\d)", re.IGNORECASE)
_DELIMITER = re.compile("([<>&;])")
_ENTITY = re.compile(r"&(?:#\d{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});")
# Only known element names: `a<b, c>d` is arithmetic.
_INLINE_TAG = re.compile(r"</?(?:a|b|em|font|i|s|small|span|strong|sub|sup|u)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BLOCK_TAG = re.compile(
    r"</?(?:blockquote|body|br|center|dd|div|dl|dt|h[1-6]|head|hr|html|img|input|li|link|meta|o:p|ol|p|pre|section|table|"
    r"tbody|td|tfoot|th|thead|title|tr|ul|video)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)


def strip_markup(text: str) -> str:
    """Return `text` without HTML: inline elements vanish, block elements leave a space, entities are spelled out.

    Unknown elements stay, for `温度<T且压力>p` is not HTML. Entities need their semicolon. Nested and doubly escaped
    markup is resolved in the same pass.
    """
    if "<" in text:
        text = _POWER_TAG.sub("^", _HIDDEN.sub(" ", text))
    elif "&" not in text:
        return text
    return _reduce(text)


def _reduce(text: str) -> str:
    """Resolve elements and entities innermost first, as a parser with a stack does.

    `read` holds what is settled; `open_parts` what follows, cut before every `<` and `&` that may still open something.
    """
    read: list[str] = []
    open_parts = [""]
    for piece in _DELIMITER.split(text):
        if piece in ("<", "&"):
            open_parts.append(piece)
        elif piece == ">":
            _close_tag(read, open_parts)
        elif piece == ";":
            _close_entity(read, open_parts)
        else:
            open_parts[-1] += piece
    return "".join(read + open_parts)


def _close_tag(read: list[str], open_parts: list[str]) -> None:
    """Read a `>`: drop the element it closes, or keep it as a character."""
    start = len(open_parts) - 1
    while start > 0 and open_parts[start][0] != "<":
        start -= 1
    tag = "".join(open_parts[start:]) + ">"
    inline = start > 0 and _INLINE_TAG.fullmatch(tag)
    if inline or (start > 0 and _BLOCK_TAG.fullmatch(tag)):
        del open_parts[start:]
        open_parts[-1] += "" if inline else " "
    else:
        # Nothing that was open before this mark can be closed after it.
        read += [*open_parts, ">"]
        open_parts[:] = [""]


def _close_entity(read: list[str], open_parts: list[str]) -> None:
    """Read a `;`: replace the entity it closes, or keep it as a character."""
    entity = open_parts[-1] + ";"
    if len(open_parts) == 1 or not _ENTITY.fullmatch(entity) or (character := unescape(entity)) == entity:
        open_parts[-1] = entity
        return
    open_parts.pop()
    if character in ("<", "&"):
        open_parts.append(character)
    elif character == ">":
        _close_tag(read, open_parts)
    elif character == ";":
        _close_entity(read, open_parts)
    else:
        open_parts[-1] += character
