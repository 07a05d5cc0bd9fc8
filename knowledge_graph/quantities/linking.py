"""Do two quantities measure the same? Known names, the graph's synonyms and vectors tell; precision comes first."""

import numba
import numpy as np
from numpy.typing import NDArray

from knowledge_graph.quantities.names import GENERAL, GROUP, HEAD, KEY, MARK, NO_GROUP, OF, Encode, NameTable, Synonyms
from knowledge_graph.quantities.types import Quantity

# Confidence of each kind of evidence. A link counts from LINKED on.
SAME_NAME = 1.0
SAME_PARAMETER = 0.95  # two known names of one parameter, of the same thing
SAME_PARAMETER_OF_ANY = 0.85  # one of the two does not say of what
CLOSE_NAMES = 0.8  # close vectors and the same head
LINKED = 0.75
CLOSE = 0.86  # cosine of two unknown names that are then taken for the same
CLOSE_OF = 0.8  # cosine of two names of one known parameter, of things named differently
_SCALE = 1.0 / 127.0**2


@numba.njit(nogil=True, cache=True)
def link_confidence(  # noqa: PLR0911
    one: NDArray[np.int64],
    i: int,
    vectors: NDArray[np.int8],
    other: NDArray[np.int64],
    j: int,
    other_vectors: NDArray[np.int8],
) -> float:
    """Return the confidence in [0, 1] that row i of one name table and row j of another mean the same parameter.

    Names alone are judged: that units measure the same is for the caller to check. Empty names never agree.
    """
    if one[i, KEY] == 0 or other[j, KEY] == 0:
        return 0.0
    if one[i, KEY] == other[j, KEY]:
        return SAME_NAME
    unknown = one[i, GROUP] == NO_GROUP or other[j, GROUP] == NO_GROUP
    if one[i, MARK] != other[j, MARK] or (not unknown and one[i, GROUP] != other[j, GROUP]):
        return 0.0
    if not unknown:
        general = one[i, GENERAL] != 0
        if one[i, OF] == other[j, OF] and not (general and one[i, OF] == 0):
            return SAME_PARAMETER
        if one[i, OF] == 0 or other[j, OF] == 0:
            return 0.0 if general else SAME_PARAMETER_OF_ANY
    if one[i, HEAD] == other[j, HEAD]:
        product = 0
        for k in range(min(vectors.shape[1], other_vectors.shape[1])):
            product += int(vectors[i, k]) * int(other_vectors[j, k])
        if product * _SCALE >= (CLOSE if unknown else CLOSE_OF):
            return CLOSE_NAMES
    return 0.0


class Linker:
    """Links quantities by their names; with an encoder also names that nobody listed."""

    def __init__(self, encode: Encode | None = None, synonyms: Synonyms | None = None) -> None:
        self._encode = encode
        self._synonyms = synonyms

    def __call__(self, one: Quantity, other: Quantity) -> float:
        """Return the confidence in [0, 1] that two quantities measure the same parameter in the same dimension."""
        if one.canonical_unit != other.canonical_unit:
            return 0.0
        return self.names(one.parameter or "", other.parameter or "")

    def names(self, one: str, other: str) -> float:
        """Return the confidence in [0, 1] that two names mean the same parameter."""
        table = NameTable.build([one, other], self._encode, self._synonyms)
        return float(link_confidence(table.codes, 0, table.vectors, table.codes, 1, table.vectors))
