"""What earlier outcomes say about a pair: those of this demand, of similar demands, and of a kernel model over all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray, load_mmap, readonly_view
from data.columns.pair_ids import PairIds
from data.columns.strings import StringIndex
from matcher.collection.columns import RecordColumns
from matcher.collection.encoded import EncodedRecords
from matcher.collection.pairs import KnownDemand, PairBatch
from matcher.history.axes import HistoryAxes, along
from matcher.history.details import OutcomeDetails, text_key
from matcher.history.features import HISTORY, KERNEL_FEATURES
from matcher.history.kernels import nearest_demands, nearest_likeness, others_outcomes, outcomes_of, own_outcomes
from matcher.history.numbering import number_demands, numbered, same, spread_over
from matcher.history.vectors import achievement_vectors, demand_vectors, of_length_1
from models.ranking.pair_kernel import PairInputs, PairKernelRidge

_KERNEL = len(KERNEL_FEATURES)
_BLOCK = 2048  # pairs that the kernel model predicts at once; bounds memory
_ARRAYS = ("demands", "achievements", "group", "grades", "demand_axes", "achievement_axes")
SUPPORT = 4096  # outcomes the kernel model keeps: its time grows with their cube
NEIGHBOURHOOD = 500  # outcomes looked at of the most similar demands together, and of the demand itself
LEADING_AXES = 32  # the first of them, by which demands too far away are left out
LIKELY = 2048  # known demands that are left: their outcomes are several times those looked at
EXAMPLES = 64  # outcomes that tell which candidates are worth the whole ranker
SIMILAR_DEMAND = 0.6  # mean cosine from which another demand counts as similar when looking for candidates
SHARPNESS = 8.0  # a similarity s weighs exp(SHARPNESS * (s - 1))
PRIOR_PAIRS = 2.0  # outcomes that the overall mean counts for
PRIOR_MASS = 0.3


@dataclass(frozen=True)
class RelevanceFeedback:
    """Outcomes with a demand and similar ones, as encoder vectors of length 1, all float32.

    `good` (d,) is the mean of those that did well, None if none did; `examples` (m, d) some of all, with `grades` (m,) and
    how much they count, `weights` (m,) in (0, 1].
    """

    good: FloatArray | None
    examples: FloatArray
    grades: FloatArray
    weights: FloatArray


class History:
    """Outcomes known at some moment, indexed by demand.

    Attributes: `keys` names of each known demand (see `RecordColumns.identity`) to its number; `demands` (g, r) and
    `achievements` (t, s) vectors on their principal axes `demand_axes` (k, r) and `achievement_axes` (l, s); `group` (t,)
    demand number of each outcome, ascending; `grades` (t,); `details` how much each counts and who gave it; `ids` (demand
    id, achievement id) of each; `kernel` the model over at most `SUPPORT` of them; `unseen` (g,) in [0, 1] how much of what
    lists would show each known demand they have not shown yet.
    """

    def __init__(
        self,
        keys: Mapping[str, int],
        demands: FloatArray,
        achievements: FloatArray,
        group: NDArray[np.int64],
        grades: NDArray[np.float64],
        ids: PairIds,
        kernel: PairKernelRidge | None,
        demand_axes: FloatArray,
        achievement_axes: FloatArray,
        details: OutcomeDetails,
        unseen: FloatArray,
    ) -> None:
        self.keys = keys
        self.demands = demands
        self.achievements = achievements
        self.group = group
        self.grades = grades
        self.ids = ids
        self.kernel = kernel
        self.demand_axes = demand_axes
        self.achievement_axes = achievement_axes
        self._order = self._support = np.arange(len(grades))
        self._starts = np.searchsorted(group, np.arange(len(demands) + 1))
        self._leading = np.ascontiguousarray(demands[:, :LEADING_AXES])
        self._grades = np.asarray(grades, dtype=np.float32)
        self.details = details
        self.unseen = unseen
        self._any_judged = bool(details.judged.any())
        self._prior = float(np.average(self._grades, weights=self.details.weights)) if len(grades) else 0.0

    @classmethod
    def empty(cls) -> Self:
        """Return the history of a platform on its first day."""
        nothing = np.zeros((0, 0), dtype=np.float32)
        details = OutcomeDetails.none()
        return cls(
            {},
            nothing,
            nothing,
            np.zeros(0, np.int64),
            np.zeros(0),
            PairIds.of((), ()),
            None,
            nothing,
            nothing,
            details,
            np.zeros(0, np.float32),
        )

    @classmethod
    def fit(
        cls,
        pairs: PairBatch,
        grades: NDArray[np.float64],
        nearness: FloatArray,
        seed: int = 0,
        weights: NDArray[np.float64] | None = None,
        silent: NDArray[np.bool_] | None = None,
        judged: NDArray[np.bool_] | None = None,
        unseen: NDArray[np.float64] | None = None,
        axes: HistoryAxes | None = None,
    ) -> Self:
        """Take in the outcomes (t,) of pairs and their label-free features (t, f).

        `weights` (t,) in (0, 1] tell how much each counts, None: all alike; `silent` (t,) which were shown and left alone,
        None: none; `judged` (t,) which experts gave, None: none; `unseen` (t,) in [0, 1] how much of what lists would show
        the outcome's demand they have not shown yet, None: all. `axes` are those of both sides' records, None: found here.
        """
        if not len(grades):
            return cls.empty()
        weights = np.ones(len(grades)) if weights is None else weights
        silent = np.zeros(len(grades), dtype=np.bool_) if silent is None else silent
        judged = np.zeros(len(grades), dtype=np.bool_) if judged is None else judged
        demands, achievements = pairs.demands, pairs.achievements
        d, a = np.asarray(pairs.d), np.asarray(pairs.a)
        keys, group = number_demands(demands.cards, d)
        order = np.argsort(group, kind="stable")
        d, a, grades, nearness, group = d[order], a[order], grades[order], nearness[order], group[order]
        counts, silent, judged = weights[order].astype(np.float32), silent[order], judged[order]
        first = np.searchsorted(group, np.arange(group[-1] + 1))
        axes = axes or HistoryAxes.of(demands, achievements)
        by_demand = along(demand_vectors(demands.texts, d[first]), axes.demands)
        unique, inverse = np.unique(a, return_inverse=True)
        by_achievement = along(achievement_vectors(achievements.texts, unique), axes.achievements)[inverse]
        support = np.arange(len(grades))
        if len(grades) > SUPPORT:
            support = np.sort(np.random.default_rng(seed).choice(len(grades), SUPPORT, replace=False))
        asked, of = np.unique(group[support], return_inverse=True)
        inputs = PairInputs(by_demand[asked], of, asked, by_achievement[support], nearness[support])
        kept = grades[support]
        targets = np.stack([kept, kept > 0, kept > 1, kept > 2], axis=1).astype(np.float64)
        kernel = PairKernelRidge().fit(inputs, targets, weights=counts[support])
        ids = PairIds.of(demands.cards.ids.at(d.tolist()), achievements.cards.ids.at(a.tolist()))
        text_keys = [""] * len(grades)  # only judgements are looked up by their texts, and logs are long
        for place in np.flatnonzero(judged).tolist():
            text_keys[place] = text_key(pairs, int(d[place]), int(a[place]))
        details = OutcomeDetails(counts, silent, judged, text_keys)
        left = np.ones(len(by_demand), dtype=np.float32)
        if unseen is not None:
            np.minimum.at(left, group, unseen[order].astype(np.float32))
        both = axes.demands, axes.achievements
        history = cls(keys, by_demand, by_achievement, group, grades, ids, kernel, *both, details, left)
        history._order, history._support = order, support
        return history

    def without(self, outcomes: NDArray[np.intp]) -> "History":
        """Return the history as if the given outcomes, numbered as they were handed to `fit`, had never happened."""
        left_out = np.zeros(len(self.grades), dtype=np.bool_)
        left_out[outcomes] = True
        left_out = left_out[self._order]
        kernel = self.kernel.without(np.flatnonzero(left_out[self._support])) if self.kernel else None
        kept = np.flatnonzero(~left_out)
        group = self.group[kept]
        present = np.zeros(len(self.demands), dtype=np.bool_)
        present[group] = True
        keys = {key: number for key, number in self.keys.items() if present[number]}
        ids = self.ids.take(kept)
        axes = self.demand_axes, self.achievement_axes
        of_kept = self.achievements[kept], group, self.grades[kept], ids
        return History(keys, self.demands, *of_kept, kernel, *axes, self.details.take(kept), self.unseen)

    def features(self, pairs: PairBatch, nearness: FloatArray) -> FloatArray:
        """Return (n, len(HISTORY)) features of pairs; all NaN without outcomes.

        `nearness` (n, f) are the pairs' label-free features, as in `fit`.
        """
        demands, achievements, d, a = pairs.demands, pairs.achievements, pairs.d, pairs.a
        table = np.full((len(pairs), len(HISTORY)), np.nan, dtype=np.float32)
        if self.kernel is None:
            return table
        unique_a, of_a = numbered(a)
        candidates = self._achievements(achievements, unique_a)
        unique_d, of_d = numbered(d)
        if (known := pairs.known) is not None:
            asking, similarity, group = known.vector, known.similarity, np.array([known.number], dtype=np.int64)
        else:
            asking = self._demands(demands, unique_d)
            similarity = asking @ self.demands.T
            group = np.array([self._group_of(demands.cards, row) for row in unique_d.tolist()], dtype=np.int64)
        for some in same(of_d):
            one = int(of_d[some[0]])
            table[some, :-_KERNEL] = self._neighbours(similarity[one], int(group[one]), candidates[of_a[some]])
        for start in range(0, len(d), _BLOCK):
            block = slice(start, start + _BLOCK)
            inputs = PairInputs(asking, of_d[block], group, candidates[of_a[block]], nearness[block])
            table[block, -_KERNEL:] = self.kernel.predict(inputs)
        return table

    def known_demand(self, demands: EncodedRecords, row: int) -> KnownDemand:
        """Return what is known of the demand at `row` of a view.

        Its similarity is computed to about `LIKELY` and more known demands, found by their leading axes; to the rest, which
        lie too far away to tell anything, it is -inf.
        """
        vector = self._demands(demands, np.array([row], dtype=np.int64))
        number = self._group_of(demands.cards, row)
        if len(self.demands) <= 2 * LIKELY:
            return KnownDemand(vector, number, np.asarray(vector @ self.demands.T, dtype=np.float32))
        found = np.empty((1, len(self.demands)), dtype=np.float32)
        leading = self._leading @ vector[0, :LEADING_AXES]
        nearest_likeness(leading, vector[0], readonly_view(self.demands), LIKELY, found[0])
        return KnownDemand(vector, number, found)

    def feedback(self, known: KnownDemand, dimensions: int) -> "RelevanceFeedback | None":
        """Return relevance feedback from a demand and similar ones, vectors of the encoder's `dimensions`; None without any."""
        if self.kernel is None:
            return None
        similarity = known.similarity[0]
        near = np.where(similarity >= SIMILAR_DEMAND, similarity, np.float32(-np.inf))
        if known.number >= 0:
            near[known.number] = 1.0
        others = self._nearest_outcomes(near)
        if not len(others):
            return None
        weight = np.exp(np.float32(SHARPNESS) * (near[self.group[others]] - 1)) * self.details.weights[others]
        axes = self.achievement_axes[:dimensions]
        good, mean = self._grades[others] >= 2, None
        if good.any():
            graded = (weight * self._grades[others])[good]
            mean = of_length_1(axes @ np.asarray(graded @ self.achievements[others[good]], dtype=np.float32))
        nearest = np.argsort(-weight, kind="stable")[:EXAMPLES]
        examples = of_length_1(self.achievements[others[nearest]] @ axes.T)
        return RelevanceFeedback(mean, examples, self._grades[others[nearest]], weight[nearest])

    def unseen_mass(self, pairs: PairBatch) -> NDArray[np.float64]:
        """Return (n,) how much of what lists would show each pair's demand they have not shown; NaN of a pair that is known.

        A pair is known that was shown, taken up or judged, if under earlier texts.
        """
        found = np.full(len(pairs), np.nan)
        for number, places in self._by_demand(pairs):
            if number < 0:
                found[places] = 1.0
                continue
            known = set(self.ids.achievements(int(self._starts[number]), int(self._starts[number + 1])))
            new = [name not in known for name in pairs.achievements.cards.ids.at(pairs.a[places].tolist())]
            found[places] = np.where(new, self.unseen[number], np.nan)
        return found

    def judgements(self, pairs: PairBatch) -> NDArray[np.float64]:
        """Return (n,) the mean grade that experts gave a demand and an achievement of these very texts, NaN where none did."""
        found = np.full(len(pairs), np.nan)
        if not self._any_judged:
            return found
        for number, places in self._by_demand(pairs):
            grades = self._judgements_of(number)
            for place in places.tolist() if grades else ():
                if given := grades.get(text_key(pairs, int(pairs.d[place]), int(pairs.a[place]))):
                    found[place] = np.mean(given)
        return found

    def _by_demand(self, pairs: PairBatch) -> list[tuple[int, NDArray[np.intp]]]:
        """Return the number of each demand of pairs, -1 of one without outcomes, and which of the pairs are its."""
        if pairs.known is not None:
            return [(pairs.known.number, np.arange(len(pairs)))]
        cards = pairs.demands.cards
        return [(self._group_of(cards, int(pairs.d[places[0]])), places) for places in same(pairs.d)]

    def _judgements_of(self, group: int) -> dict[str, list[float]]:
        """Return the grades that experts gave to one demand's pairs, by the key of their texts."""
        grades: dict[str, list[float]] = {}
        if group >= 0:
            first, last = int(self._starts[group]), int(self._starts[group + 1])
            for place in (first + np.flatnonzero(self.details.judged[first:last])).tolist():
                grades.setdefault(self.details.text_keys[place], []).append(float(self.grades[place]))
        return grades

    def evidence(self, pairs: PairBatch, limit: int = 3) -> list[list[tuple[str, str, int, float]]]:
        """Return the outcomes most like each of the pairs, likest first.

        An outcome is (demand id, achievement id, grade, likeness in [0, 1]). They are looked for among those that the
        features look at: of the demand itself and of the most similar ones.
        """
        demands, achievements, d, a = pairs.demands, pairs.achievements, pairs.d, pairs.a
        found: list[list[tuple[str, str, int, float]]] = [[] for _ in d]
        if self.kernel is None:
            return found
        offered = self._achievements(achievements, a)
        for places in same(d):
            known = pairs.known or self.known_demand(demands, int(d[places[0]]))
            nearness = np.clip(known.similarity[0], 0.0, 1.0)
            if known.number >= 0:
                nearness[known.number] = 1.0
            near = self._nearest_outcomes(nearness)
            near = near[~self.details.silent[near]]  # what nobody took up is no failure to quote
            alike = nearness[self.group[near]] * np.clip(offered[places] @ self.achievements[near].T, 0, 1)
            for _ in range(min(limit, len(near))):
                best = alike.argmax(axis=1)
                for at, place in enumerate(best.tolist()):
                    outcome = int(near[place])
                    likest = (*self.ids[outcome], int(self.grades[outcome]), float(alike[at, place]))
                    found[int(places[at])].append(likest)
                alike[np.arange(len(places)), best] = -1.0
        return found

    def _demands(self, view: EncodedRecords, rows: NDArray[np.int64]) -> FloatArray:
        return along(demand_vectors(view.texts, rows), self.demand_axes)

    def _achievements(self, view: EncodedRecords, rows: NDArray[np.int64]) -> FloatArray:
        return along(achievement_vectors(view.texts, rows), self.achievement_axes)

    def _group_of(self, cards: RecordColumns, row: int) -> int:
        return next((self.keys[key] for key in cards.identity(row) if key in self.keys), -1)

    def _neighbours(self, similarity: FloatArray, group: int, offered: FloatArray) -> FloatArray:
        """Return (n, len(HISTORY) - 4) statistics of known outcomes around one demand and n achievements.

        `similarity` (g,) is that of the known demands, `group` the one that is the demand itself, or -1.
        """
        own = np.full((len(offered), 10), np.nan, dtype=np.float32)
        rest = np.full((len(offered), 8), np.nan, dtype=np.float32)
        own[:, 0] = 0.0
        smoothing = self._prior, SHARPNESS, PRIOR_PAIRS, PRIOR_MASS
        if group >= 0:
            first, last = int(self._starts[group]), int(self._starts[group + 1])
            loud = first + np.flatnonzero(~self.details.silent[first:last])
            known = loud[spread_over(0, len(loud), NEIGHBOURHOOD)]
            if len(known):
                cosine = offered @ self.achievements[known].T
                own_outcomes(cosine, self._grades[known], self.details.weights[known], *smoothing, own)
            similarity = similarity.copy()
            similarity[group] = -np.inf
        others = self._nearest_outcomes(similarity)
        if len(others):
            cosine = offered @ self.achievements[others].T
            counted = self._grades[others], self.details.weights[others], self.details.silent[others]
            others_outcomes(cosine, *counted, similarity[self.group[others]], *smoothing, rest)
        return np.hstack([own[:, :7], rest[:, :5], own[:, 7:], rest[:, 5:]])

    def _nearest_outcomes(self, similarity: FloatArray) -> NDArray[np.int64]:
        """Return the outcomes of the most similar demands: `NEIGHBOURHOOD` to twice as many if there are so many."""
        found = outcomes_of(nearest_demands(similarity, self._starts, NEIGHBOURHOOD), self._starts)
        return found[spread_over(0, len(found), 2 * NEIGHBOURHOOD)] if len(found) > 2 * NEIGHBOURHOOD else found

    def copied_as(self, kind: "type[History]") -> "History":
        """Return the same outcomes as a history of another kind."""
        outcomes = self.keys, self.demands, self.achievements, self.group, self.grades, self.ids, self.kernel
        axes = self.demand_axes, self.achievement_axes
        return kind(*outcomes, *axes, self.details, self.unseen)

    def save(self, directory: Path) -> None:
        """Write the outcomes and the kernel model into `directory`, which is created."""
        directory.mkdir(parents=True)
        StringIndex.of(self.keys).save(directory / "keys")
        self.ids.save(directory)
        for name in _ARRAYS:
            np.save(directory / f"{name}.npy", getattr(self, name))
        np.save(directory / "unseen.npy", self.unseen)
        self.details.save(directory)
        if self.kernel is not None:
            self.kernel.save(directory / "kernel.npz")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote."""
        demands, achievements, group, grades, for_demands, for_achievements = (
            load_mmap(directory / f"{name}.npy") for name in _ARRAYS
        )
        path = directory / "kernel.npz"
        kernel = PairKernelRidge.load(path) if path.is_file() else None
        keys, ids = StringIndex.load(directory / "keys"), PairIds.load(directory)
        outcomes = keys, demands, achievements, group, grades, ids, kernel
        details = OutcomeDetails.load(directory)
        return cls(*outcomes, for_demands, for_achievements, details, load_mmap(directory / "unseen.npy"))
