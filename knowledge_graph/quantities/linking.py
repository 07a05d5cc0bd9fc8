"""Do two quantities measure the same? Known names, the graph's synonyms and vectors tell; precision comes first."""

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.quantities.names import NO_GROUP, Encode, NameTable, Synonyms
from knowledge_graph.quantities.types import Quantity

# Confidence of each kind of evidence. A link counts from LINKED on.
SAME_NAME = 1.0
SAME_PARAMETER = 0.95  # two known names of one parameter, of the same thing
SAME_PARAMETER_OF_ANY = 0.85  # one of the two does not say of what
CLOSE_NAMES = 0.8  # unknown names with close vectors and the same head
LINKED = 0.75
CLOSE = 0.86  # cosine of names that are then taken for the same
CLOSE_OF = 0.8  # cosine of names with a known parameter, of two things


def link(one: NameTable, other: NameTable) -> NDArray[np.float32]:
    """Return (n, m) confidence in [0, 1] that row i of `one` and row j of `other` name the same parameter.

    Names alone are judged: that units measure the same is for the caller to check.
    """
    named = (one.key != 0)[:, None] & (other.key != 0)[None, :]
    same_key = one.key[:, None] == other.key[None, :]
    known = (one.group != NO_GROUP)[:, None] & (other.group != NO_GROUP)[None, :]
    same_mark = one.mark[:, None] == other.mark[None, :]
    same_group = known & (one.group[:, None] == other.group[None, :]) & same_mark
    same_of = one.of[:, None] == other.of[None, :]
    any_of = ((one.of == 0)[:, None] | (other.of == 0)[None, :]) & ~one.general[:, None]
    confidence = np.zeros(named.shape, dtype=np.float32)
    if one.vectors.shape[1] and other.vectors.shape[1]:
        # only names with the same head can be one parameter: the matrix product is done for these rows alone
        same_head = (one.head[:, None] == other.head[None, :]) & ~same_key & named & same_mark
        candidates = same_head & ((same_group & ~same_of & ~any_of) | ~known)
        rows, columns = np.nonzero(candidates)
        if len(rows):
            cosine = np.einsum(
                "ij,ij->i", one.vectors[rows].astype(np.float32), other.vectors[columns].astype(np.float32)
            )
            enough = np.where(same_group[rows, columns], cosine >= CLOSE_OF, cosine >= CLOSE)
            confidence[rows[enough], columns[enough]] = CLOSE_NAMES
    confidence[same_group & any_of] = SAME_PARAMETER_OF_ANY
    confidence[same_group & same_of & ~(one.general[:, None] & (one.of == 0)[:, None])] = SAME_PARAMETER
    confidence[same_key] = SAME_NAME
    confidence[~named] = 0.0
    return confidence


class Linker:
    """Links quantities by their names; with an encoder also names that nobody listed."""

    def __init__(self, encode: Encode | None = None, synonyms: Synonyms | None = None) -> None:
        self._encode = encode
        self._synonyms = synonyms

    def table(self, names: list[str]) -> NameTable:
        """Return the names as columns."""
        return NameTable.build(names, self._encode, self._synonyms)

    def __call__(self, one: Quantity, other: Quantity) -> float:
        """Return the confidence in [0, 1] that two quantities measure the same parameter in the same dimension."""
        if one.canonical_unit != other.canonical_unit:
            return 0.0
        return self.names(one.parameter or "", other.parameter or "")

    def names(self, one: str, other: str) -> float:
        """Return the confidence in [0, 1] that two names mean the same parameter."""
        return float(link(self.table([one]), self.table([other]))[0, 0])
