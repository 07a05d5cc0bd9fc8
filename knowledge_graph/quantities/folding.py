"""One spelling for marks that texts write in many ways, character by character, so that positions stay those of the text."""

from functools import lru_cache

_DASHES = "‐‑‒–—―−─━﹣\u00ad"
_MARKS = {
    "～": "~", "〜": "~", "∼": "~", "˜": "~", "≧": "≥", "⩾": "≥", "≦": "≤", "⩽": "≤", "﹥": ">", "﹤": "<", "﹪": "%",
    "✕": "×", "✖": "×", "╳": "×", "•": "·", "・": "·", "⋅": "·", "∙": "·", "‧": "·", "⁄": "/", "∕": "/", "÷": "/",
    "µ": "μ", "\u2126": "Ω", "∶": ":", "\u3000": " ", "\xa0": " ", "\u2009": " ", "\u202f": " ", "Φ": "φ", "Ø": "φ",
    "ø": "φ", "⌀": "φ", "㏄": "c", "º": "°", "˚": "°", "﹙": "(", "﹚": ")", "〔": "(", "〕": ")",
}  # fmt: skip


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    from opencc import OpenCC

    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) != "，"}
    table |= {ord(mark): plain for mark, plain in _MARKS.items()} | {ord(dash): "-" for dash in _DASHES}
    characters = [chr(code) for code in range(0x4E00, 0xA000)]
    simplified = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, simplified, strict=True)
    return table | {ord(old): new for old, new in pairs if old != new and len(new) == 1}


def fold(text: str) -> str:
    """Return `text` with full-width marks, dashes and Traditional characters in one spelling each; same length."""
    return text.translate(_table())
