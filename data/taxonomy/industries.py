"""GB/T 4754-2017 codes in their one spelling: a section's letter, or 2-4 digits without it (C3511 and 3511 are 3511)."""

import re
import unicodedata
from difflib import get_close_matches
from functools import lru_cache

from data.taxonomy.tables import read_rows, shipped

_CODE = re.compile(r"([A-T])?[\s\-.]*(\d{2,4})?(?:\.0+)?", re.ASCII)
_CODE_AND_NAME = re.compile(r"([A-T]?[\s\-.]*\d{2,4}|[A-T])(?=[\s\-.:_(\[]*[\u4e00-\u9fff])", re.ASCII)
_CODE_IN_BRACKETS = re.compile(r"[(\[]([A-T]?\d{2,4}|[A-T])[)\]]$", re.ASCII)
_NOT_WORD = re.compile(r"[\W_]+")


@lru_cache(maxsize=1)
def industry_names() -> dict[str, str]:
    """Return the names of sections and divisions by code."""
    return {row["code"]: row["name"] for row in read_rows(shipped("industries.csv"), "code", "parent", "name")}


@lru_cache(maxsize=1)
def sections() -> dict[str, str]:
    """Return the section of each division."""
    rows = read_rows(shipped("industries.csv"), "code", "parent", "name")
    return {row["code"]: row["parent"] for row in rows if row["parent"]}


@lru_cache(maxsize=20_000)
def industry_code(text: str) -> str | None:
    """Return the code that a text tells, by code in any spelling or by name; None if it tells no known industry.

    A name may represent a division in part (环境治理业 for 生态保护和环境治理业), if only one division fits.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    text = re.sub(r"^[\[【](.*?)[\]】]", r"\1 ", text).strip()  # [C35]专用设备制造业
    upper = text.upper()
    if match := _CODE.fullmatch(upper) or _CODE_AND_NAME.match(upper):
        return _known(re.sub(r"[^A-Z0-9]", "", match.group().split(".")[0]))
    if match := _CODE_IN_BRACKETS.search(upper):
        return _known(match.group(1))
    for part in reversed(re.split(r"[>/\\|→—-]+", text)):
        if part.strip() and (code := _by_name(part)):
            return code
    return None


def nearest_industries(text: str) -> list[str]:
    """Return up to three known codes with their names that look most like a text that is none."""
    names = industry_names()
    labels = {f"{code} {name}": name for code, name in names.items()}
    code = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    near = [label for label in labels if code and (label[0] == code[0] or sections().get(label[:2]) == code[0])]
    by_name = get_close_matches(text, labels.values(), n=3, cutoff=0.3)
    found = [label for label, name in labels.items() if name in by_name]
    return (found or near)[:3] or [f"{code} {names[code]}" for code in ("C", "35", "39")]


def _known(code: str) -> str | None:
    """Return `code` without its letter if its division exists and, where a letter is given, lies in that section."""
    letter, digits = (code[0], code[1:]) if code[:1].isalpha() else ("", code)
    if not digits:
        return letter if letter in industry_names() else None
    section = sections().get(digits[:2])
    return digits if section and letter in ("", section) else None


def _by_name(name: str) -> str | None:
    """Return the code of the industry of that name, or of the only one that holds it."""
    wanted = _key(name)
    keys = _keys()
    if wanted in keys:
        return keys[wanted]
    if len(wanted) < 3:
        return None
    stem = wanted.removesuffix("行业").removesuffix("业")
    holding = {code for key, code in keys.items() if len(stem) >= 3 and stem in key and not code.isalpha()}
    return holding.pop() if len(holding) == 1 else None


@lru_cache(maxsize=1)
def _keys() -> dict[str, str]:
    # A division bears its section's name in places (房地产业): the division says more.
    keys: dict[str, str] = {}
    for code, name in industry_names().items():
        for key in (_key(name), _key(name).removesuffix("业"), f"{_key(name).removesuffix('业')}行业"):
            if len(key) >= 2:
                keys[key] = code
    return keys


def _key(name: str) -> str:
    return _NOT_WORD.sub("", name)
