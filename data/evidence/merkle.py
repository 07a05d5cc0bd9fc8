"""Merkle trees over a day's entries, by RFC 6962: leaves and nodes are hashed apart, so that neither passes for the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class PathStep:
    """One sibling on the way from a leaf to the root: its hash (hex), and whether it lies to the left."""

    digest: str
    left: bool


def leaf(digest: str) -> bytes:
    """Return the hash of a leaf that holds an entry's digest (hex)."""
    return sha256(b"\0" + bytes.fromhex(digest)).digest()


class Tree:
    """A tree over entries' digests (hex)."""

    def __init__(self, digests: Sequence[str]) -> None:
        self._levels = [[leaf(digest) for digest in digests]]
        while len(self._levels[-1]) > 1:
            self._levels.append(_above(self._levels[-1]))

    @property
    def root(self) -> str:
        """The root (hex); of a tree without leaves it is the hash of nothing."""
        return self._levels[-1][0].hex() if self._levels[0] else sha256(b"").hexdigest()

    def path(self, place: int) -> list[PathStep]:
        """Return the siblings from the leaf at `place` to the root.

        Raises:
            IndexError: there is no such leaf.

        """
        if not 0 <= place < len(self._levels[0]):
            raise IndexError(f"leaf {place} of {len(self._levels[0])}")
        steps = []
        for level in self._levels[:-1]:
            sibling = place ^ 1
            if sibling < len(level):
                steps.append(PathStep(level[sibling].hex(), sibling < place))
            place //= 2
        return steps


def root_by(digest: str, path: Sequence[PathStep]) -> str:
    """Return the root (hex) that a path leads to from an entry's digest: equal to the published one if it is in the tree."""
    node = leaf(digest)
    for step in path:
        other = bytes.fromhex(step.digest)
        node = _node(other, node) if step.left else _node(node, other)
    return node.hex()


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [_node(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs  # one without a sibling goes up as it is


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()
