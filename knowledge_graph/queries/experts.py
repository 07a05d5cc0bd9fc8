"""The people who made the achievements, where records name them, and who works on the same things."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from data.errors import NotFoundError
from knowledge_graph.queries.supply import SimilarHolder

if TYPE_CHECKING:
    from knowledge_graph.graph import KnowledgeGraph

SHARED_TERMS = 5


@dataclass(frozen=True)
class Expert:
    """A person as records name them: name, the achievement's holder ("" if unnamed), rows of the achievements.

    Two people of one name are distinguished by where they work; at one place they are taken for the same.
    """

    name: str
    organisation: str
    rows: tuple[int, ...]

    @property
    def key(self) -> str:
        """Name and organisation: 张伟@郑州大学."""
        return f"{self.name}@{self.organisation}" if self.organisation else self.name


def experts_of_graph(graph: "KnowledgeGraph") -> list[Expert]:
    """Return everyone whom the graph's achievements name, in the order of their first achievement."""
    organisations = list(graph.describer.organisations)
    rows: dict[tuple[str, str], list[int]] = {}
    for row, names in enumerate(graph.achievement_experts):
        number = int(graph.achievements.organisation[row])
        for name in names.split("\n") if names else ():
            rows.setdefault((name, organisations[number] if number >= 0 else ""), []).append(row)
    return [Expert(name, organisation, tuple(held)) for (name, organisation), held in rows.items()]


def similar_experts(graph: "KnowledgeGraph", name: str, limit: int = 10) -> list[SimilarHolder]:
    """Return the experts whose achievements are about the same terms, most similar first, by the cosine of their terms.

    `name` is a name or, where several people have it, name@organisation.

    Raises:
        NotFoundError: no achievement names such an expert, or the name alone does not tell which.

    """
    experts = experts_of_graph(graph)
    number = _find(experts, name.strip())
    places = np.concatenate([np.asarray(expert.rows, dtype=np.int64) for expert in experts])
    owners = np.repeat(np.arange(len(experts)), [len(expert.rows) for expert in experts])
    shape = (len(experts), len(graph.achievements))
    member = sp.csr_array((np.ones(len(places), dtype=np.float32), (owners, places)), shape=shape)
    terms = sp.csr_array(member @ graph.achievements.mentions(len(graph.vocabulary)))
    lengths = np.sqrt(np.asarray(terms.multiply(terms).sum(axis=1)).ravel())
    own = terms[[number]].toarray().ravel()
    scores = (terms @ own) / np.maximum(lengths * lengths[number], np.finfo(np.float32).tiny)
    scores[number] = 0.0
    found = []
    for row in np.lexsort((np.arange(len(experts)), -scores))[:limit].tolist():
        if scores[row] <= 0:
            break
        common = terms[[row]].toarray().ravel() * own
        best = [place for place in np.argsort(-common, kind="stable")[:SHARED_TERMS].tolist() if common[place] > 0]
        shared = tuple(graph.vocabulary.terms[place] for place in best)
        found.append(SimilarHolder(experts[row].key, float(scores[row]), shared))
    return found


def _find(experts: list[Expert], name: str) -> int:
    """Return the place of the expert called `name`."""
    named = [place for place, expert in enumerate(experts) if name in (expert.key, expert.name)]
    if len(named) == 1:
        return named[0]
    if named:
        keys = ", ".join(experts[place].key for place in named[:5])
        raise NotFoundError(f"{len(named)} experts are called {name!r}; give one of them in full: {keys}")
    if not experts:
        raise NotFoundError(f"no expert {name!r}: no achievement names its experts (column 完成人)")
    names = sorted({expert.name for expert in experts})
    near = get_close_matches(name.partition("@")[0], names[:20_000], n=3, cutoff=0.4)
    alike = [expert.key for expert in experts if expert.name in near][:3]
    raise NotFoundError(f"no expert {name!r}" + (f"; nearest names: {', '.join(alike)}" if alike else ""))
