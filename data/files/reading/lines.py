"""Text files as lines, whatever their encoding: marks, UTF-8, GB 18030, Big5, UTF-16, and a broken byte by its line."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_LE, getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data.errors import InputError
from data.text.normalise import looks_garbled, to_simplified

_MARKS = ((BOM_UTF8, "utf-8"), (BOM_UTF32_LE, "utf-32"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16"))
_SAMPLE = 1 << 18
_CHUNK = 1 << 20
_COMMON = 0.7
_FREQUENT = frozenset(
    bytes(
        byte for row in (0xA1, 0xA3, *range(0xB0, 0xD8)) for cell in range(0xA1, 0xFF) for byte in (row, cell)
    ).decode("gb2312", "ignore")
)
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class Line:
    """A line with its end; `broken` tells that it holds bytes that are no text in the file's encoding."""

    number: int
    text: str
    broken: bool = False


def encoding_of(path: Path) -> str:
    """Return the encoding of a text file, known by its mark or by what makes sense of its beginning.

    Raises:
        InputError: it is no text.

    """
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if guess := _without_mark(start):
        return guess
    if b"\0" in start:
        raise InputError(f"{path} is no text file; save it as UTF-8", f"{path} 不是文本文件，请另存为 UTF-8")
    cut = start[: start.rfind(b"\n") + 1] or start
    if _errors(cut, "utf-8") == 0 and (len(start) < _SAMPLE or _decodes(path, "utf-8")):
        return "utf-8"
    return _likeliest(path, cut)


def read_lines(path: Path, encoding: str) -> Iterator[Line]:
    """Yield the lines of a text file; a line that its encoding does not fit is tried in GB 18030 or UTF-8.

    A line may end in LF, CR LF or CR.
    """
    if encoding in ("utf-16", "utf-32", "utf-16-le", "utf-16-be"):
        with path.open(encoding=encoding, errors="replace", newline="") as wide:
            for number, text in enumerate(wide, start=1):
                yield Line(number, text.lstrip("\ufeff") if number == 1 else text, _REPLACEMENT in text)
        return
    other = "gb18030" if encoding == "utf-8" else "utf-8"
    for number, raw in enumerate(_raw_lines(path), start=1):
        # A mark also begins a second file that was joined on.
        line = raw.removeprefix(BOM_UTF8) if raw.startswith(BOM_UTF8) else raw
        try:
            yield Line(number, line.decode(encoding))
        except UnicodeDecodeError:
            yield _mended(number, line, encoding, other)


def _mended(number: int, raw: bytes, encoding: str, other: str) -> Line:
    """Return a line that its file's encoding does not fit: in the other one if that makes sense, else with marks."""
    try:
        text = raw.decode(other)
        if not looks_garbled(text) and _is_chinese(text):
            return Line(number, text)
    except UnicodeDecodeError:
        pass
    return Line(number, raw.decode(encoding, "replace"), broken=True)


def _raw_lines(path: Path) -> Iterator[bytes]:
    """Yield lines; files whose lines end in CR alone are cut there."""
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
        file.seek(0)
        if b"\n" in start or b"\r" not in start:
            yield from file
            return
        rest = b""
        while chunk := file.read(_CHUNK):
            *whole, rest = (rest + chunk).split(b"\r")
            yield from (line + b"\r" for line in whole)
        if rest:
            yield rest


def _without_mark(start: bytes) -> str | None:
    """Return UTF-16 without a mark: every other byte of its ASCII characters is zero."""
    if b"\0" not in start[:4_000]:
        return None
    head = start[:4_000]
    even, odd = head[::2].count(0), head[1::2].count(0)
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > 0 and others == 0 and _errors(head[: len(head) // 2 * 2], encoding) == 0:
            return encoding
    return None


def _likeliest(path: Path, sample: bytes) -> str:
    """Return the encoding that reads nearly all of `sample` and gives Chinese."""
    foreign = sum(byte > 127 for byte in sample)
    allowed = max(3, foreign // 100)
    candidates = [one for one in ("utf-8", "gb18030", "big5") if _errors(sample, one) <= allowed]
    chinese = {one: _common_share(sample.decode(one, "ignore")) for one in candidates}
    best = max(chinese, key=chinese.__getitem__, default="")
    if best and (chinese[best] >= _COMMON or best == "utf-8"):
        return best
    # Files of two encodings that were joined: each line is one or the other.
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    as_utf8 = sum(_errors(line, "utf-8") == 0 for line in lines)
    as_gb = sum(_errors(line, "utf-8") > 0 and _errors(line, "gb18030") == 0 for line in lines)
    if min(as_utf8, as_gb) > 0 and as_utf8 + as_gb >= 0.9 * len(lines):
        return "utf-8" if as_utf8 >= as_gb else "gb18030"
    from charset_normalizer import from_bytes

    guess = from_bytes(sample, threshold=0.3).best()
    if guess is not None and _is_chinese(str(guess)):
        return guess.encoding
    raise InputError(
        f"{path} is in no encoding that Chinese files use (UTF-8, GB18030, Big5, UTF-16); save it as UTF-8",
        f"{path} 不是中文文件常用的编码（UTF-8、GB18030、Big5、UTF-16），请另存为 UTF-8",
    )


def _errors(data: bytes, encoding: str) -> int:
    """Count the places where `data` is no text in `encoding`."""
    return data.decode(encoding, "replace").count(_REPLACEMENT) - data.count(_REPLACEMENT.encode())


def _decodes(path: Path, encoding: str) -> bool:
    """Tell whether nearly all of a file is valid in `encoding`; single broken lines are mended later."""
    decoder = getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            pass
        else:
            return True
    broken = 0
    for total, line in enumerate(_raw_lines(path), start=1):
        broken += not line.isascii() and _errors(line, encoding) > 0
        if broken > 20 and broken > total // 10:
            return False
    return True


def _is_chinese(text: str) -> bool:
    """Tell whether a text is made of common characters; one read in a wrong encoding is not."""
    return _common_share(text) >= _COMMON and not looks_garbled(text[:2_000])


def _common_share(text: str) -> float:
    """Return the share of common characters (the 3,755 of GB 2312's first level, marks, traditional forms) beyond ASCII."""
    foreign = [char for char in to_simplified(text[:20_000]) if char > "\x7f"]
    return sum(char in _FREQUENT for char in foreign) / len(foreign) if foreign else 1.0
