"""Compiled loops over terms. They release the interpreter lock; their machine code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray

COLUMNS = 16
"""Columns that `candidate_signals` fills; `signals.py` names them in this order."""
_BLOCK = 32  # scores whose largest is looked at first


@numba.njit(nogil=True, cache=True)
def spread(
    terms: NDArray[np.int32],
    weights: NDArray[np.float32],
    starts: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    size: int,
) -> NDArray[np.float32]:
    """Return the dense product (size,) of a sparse row with a sparse matrix in CSR form."""
    result = np.zeros(size, dtype=np.float32)
    for s in range(len(terms)):
        for e in range(starts[terms[s]], starts[terms[s] + 1]):
            result[columns[e]] += weights[s] * values[e]
    return result


@numba.njit(nogil=True, cache=True)
def candidate_signals(  # noqa: PLR0912, PLR0915
    terms: NDArray[np.int32],
    weights: NDArray[np.float32],
    titles: NDArray[np.bool_],
    idf: NDArray[np.float32],
    kinds: NDArray[np.int8],
    relation_starts: NDArray[np.int64],
    related: NDArray[np.int32],
    strengths: NDArray[np.float32],
    mass: NDArray[np.float32],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int32],
    pool_terms: NDArray[np.int32],
    pool_weights: NDArray[np.float32],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return (n, COLUMNS) signals of one demand's terms (m,) against the terms of the achievements at `rows` (n,).

    Columns 11 to 15 split the first by `TermType`, MATERIAL first.

    `weights` are the demand's, of length 1; `titles` marks the terms of its title; `related` and `strengths` are the
    rows of the relation matrix, and `mass` (V,) the personalised PageRank that starts from the demand. Row r of the
    other side has `pool_terms[starts[r] : starts[r] + lengths[r]]`.
    """
    size = len(idf)
    direct = np.zeros(size, dtype=np.float32)
    own = np.full(size, -1, dtype=np.int32)
    first = np.full(size, -1, dtype=np.int32)
    edges = 0
    for s in range(len(terms)):
        edges += relation_starts[terms[s] + 1] - relation_starts[terms[s]]
    link_next = np.empty(edges, dtype=np.int32)
    link_source = np.empty(edges, dtype=np.int32)
    link_strength = np.empty(edges, dtype=np.float32)
    k = 0
    total = np.float32(0.0)
    title_total = np.float32(0.0)
    for s in range(len(terms)):
        t = terms[s]
        direct[t] = weights[s]
        own[t] = s
        total += weights[s]
        if titles[s]:
            title_total += weights[s]
        for e in range(relation_starts[t], relation_starts[t + 1]):
            u = related[e]
            link_source[k] = s
            link_strength[k] = strengths[e]
            link_next[k] = first[u]
            first[u] = k
            k += 1
    out = np.zeros((len(rows), COLUMNS), dtype=np.float32)
    best = np.zeros(len(terms), dtype=np.float32)
    for i in range(len(rows)):
        start = starts[rows[i]]
        length = lengths[rows[i]]
        best[:] = 0.0
        cosine = np.float32(0.0)
        shared_idf = np.float32(0.0)
        shared = 0
        hop = np.float32(0.0)
        paths = 0
        reached = np.float32(0.0)
        covered = np.float32(0.0)
        soft = np.float32(0.0)
        own_total = np.float32(0.0)
        rarest = np.float32(0.0)
        for p in range(start, start + length):
            t = pool_terms[p]
            w = pool_weights[p]
            own_total += w
            reached += mass[t] * w
            closest = np.float32(0.0)
            s = own[t]
            if s >= 0:
                gain = direct[t] * w
                cosine += gain
                shared_idf += idf[t]
                shared += 1
                covered += w
                rarest = max(rarest, idf[t])
                best[s] = 1.0
                closest = np.float32(1.0)
                if kinds[t] > 0:
                    out[i, 10 + kinds[t]] += gain
            e = first[t]
            while e >= 0:
                strength = link_strength[e]
                source = link_source[e]
                hop += weights[source] * strength * w
                paths += 1
                best[source] = max(best[source], strength)
                closest = max(closest, strength)
                e = link_next[e]
            soft += closest * w
        answered = np.float32(0.0)
        soft_answered = np.float32(0.0)
        title_answered = np.float32(0.0)
        for s in range(len(terms)):
            if best[s] >= 1.0:
                answered += weights[s]
            soft_answered += weights[s] * best[s]
            if titles[s]:
                title_answered += weights[s] * best[s]
        out[i, 0] = cosine
        out[i, 1] = shared_idf
        out[i, 2] = answered / total if total > 0 else np.nan
        out[i, 3] = covered / own_total if own_total > 0 else np.nan
        out[i, 4] = hop
        out[i, 5] = np.log1p(paths)
        out[i, 6] = soft_answered / total if total > 0 else np.nan
        out[i, 7] = soft / own_total if own_total > 0 else np.nan
        out[i, 8] = reached
        out[i, 9] = title_answered / title_total if title_total > 0 else np.nan
        out[i, 10] = rarest
        if total == 0 or own_total == 0:
            out[i, :] = np.nan
    return out


@numba.njit(nogil=True, cache=True)
def reverse_signals(
    idf: NDArray[np.float32],
    kinds: NDArray[np.int8],
    relation_starts: NDArray[np.int64],
    related: NDArray[np.int32],
    strengths: NDArray[np.float32],
    walk_starts: NDArray[np.int64],
    walk_targets: NDArray[np.int32],
    walk_mass: NDArray[np.float32],
    demand_starts: NDArray[np.int64],
    demand_lengths: NDArray[np.int32],
    demand_terms: NDArray[np.int32],
    demand_weights: NDArray[np.float32],
    demand_titles: NDArray[np.bool_],
    demands: NDArray[np.int64],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int32],
    pool_terms: NDArray[np.int32],
    pool_weights: NDArray[np.float32],
    achievement: NDArray[np.int64],
    portfolio_terms: NDArray[np.int32],
    portfolio_weights: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return (n, COLUMNS + 1): `candidate_signals` of n demands against one achievement (1,), and a last column.

    The last is each demand's walk mass on the portfolio of the achievement's holder.
    """
    out = np.empty((len(demands), COLUMNS + 1), dtype=np.float32)
    for i in range(len(demands)):
        begin = demand_starts[demands[i]]
        end = begin + demand_lengths[demands[i]]
        terms, weights = demand_terms[begin:end], demand_weights[begin:end]
        mass = spread(terms, weights, walk_starts, walk_targets, walk_mass, len(idf))
        out[i, :COLUMNS] = candidate_signals(
            terms,
            weights,
            demand_titles[begin:end],
            idf,
            kinds,
            relation_starts,
            related,
            strengths,
            mass,
            starts,
            lengths,
            pool_terms,
            pool_weights,
            achievement,
        )[0]
        total = np.float32(0.0)
        for p in range(len(portfolio_terms)):
            total += mass[portfolio_terms[p]] * portfolio_weights[p]
        out[i, COLUMNS] = total
    return out


@numba.njit(nogil=True, cache=True)
def dots(
    dense: NDArray[np.float32],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int32],
    pool_terms: NDArray[np.int32],
    pool_weights: NDArray[np.float32],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return (n,) inner products of a dense vector (V,) with the sparse rows at `rows`."""
    out = np.zeros(len(rows), dtype=np.float32)
    for i in range(len(rows)):
        start = starts[rows[i]]
        for p in range(start, start + lengths[rows[i]]):
            out[i] += dense[pool_terms[p]] * pool_weights[p]
    return out


@numba.njit(nogil=True, cache=True)
def accumulate(
    terms: NDArray[np.int32],
    weights: NDArray[np.float32],
    starts: NDArray[np.int64],
    records: NDArray[np.int32],
    values: NDArray[np.float32],
    size: int,
) -> NDArray[np.float32]:
    """Return (size,) scores of all records: the sum over the terms' postings of weight times value."""
    scores = np.zeros(size, dtype=np.float32)
    for s in range(len(terms)):
        weight = weights[s]
        for p in range(starts[terms[s]], starts[terms[s] + 1]):
            scores[records[p]] += weight * values[p]
    return scores


@numba.njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def _block_maxima(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest of each `_BLOCK` scores (n,), and 0 at least."""
    maxima = np.zeros((len(scores) + _BLOCK - 1) // _BLOCK, dtype=np.float32)
    for block in range(len(maxima)):
        largest = np.float32(0)
        for position in range(block * _BLOCK, min(len(scores), (block + 1) * _BLOCK)):
            largest = max(largest, scores[position])
        maxima[block] = largest
    return maxima


def reached_best(
    scores: NDArray[np.float32], allowed: NDArray[np.bool_], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return positions (m,), ascending, and scores (m,) that hold the k best of those above 0, and few others.

    `allowed` (n,) bars positions; empty allows all. The k-th largest of the maxima of blocks bounds the k-th largest
    score from below, so that most blocks are passed over. It is found by NumPy, whose selection need not be compiled.
    """
    reachable, maxima = _reachable(scores, allowed)
    bound = np.partition(maxima, len(maxima) - k)[len(maxima) - k] if len(maxima) > k else np.float32(0)
    return _not_below(reachable, maxima, bound)


@numba.njit(nogil=True, cache=True)
def _reachable(
    scores: NDArray[np.float32], allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the scores (n,), 0 where they are barred, and the maxima of their blocks."""
    reachable = scores.copy()
    for position in range(len(allowed)):
        reachable[position] *= np.float32(allowed[position])
    return reachable, _block_maxima(reachable)


@numba.njit(nogil=True, cache=True)
def _not_below(
    scores: NDArray[np.float32], maxima: NDArray[np.float32], bound: np.float32
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return positions and values of the scores (n,) above 0 and not below `bound`; `maxima` are those of their blocks."""
    found = 0
    for block in range(len(maxima)):
        found += _BLOCK * (maxima[block] >= bound)
    positions = np.empty(found, dtype=np.int64)
    best = np.empty(found, dtype=np.float32)
    found = 0
    for block in range(len(maxima)):
        if maxima[block] >= bound:
            for position in range(block * _BLOCK, min(len(scores), (block + 1) * _BLOCK)):
                if scores[position] > 0 and scores[position] >= bound:
                    positions[found] = position
                    best[found] = scores[position]
                    found += 1
    return positions[:found], best[:found]


@numba.njit(nogil=True, cache=True)
def walks(  # noqa: PLR0912
    starts: NDArray[np.int64],
    targets: NDArray[np.int32],
    steps: NDArray[np.float32],
    restart: float,
    rounds: int,
    keep: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return (starts, targets, mass) in CSR form: restart * sum over t of steps^t, t up to `rounds`, from every node.

    `steps` (e,) are a substochastic matrix's entries with its share that goes on already multiplied in. After each round
    only the `keep` heaviest nodes go on, and of the sum only the `keep` heaviest stay, ascending by number.
    """
    size = len(starts) - 1
    row_starts = np.zeros(size + 1, dtype=np.int64)
    columns = np.empty(size * keep, dtype=np.int32)
    mass = np.empty(size * keep, dtype=np.float32)
    total = np.zeros(size, dtype=np.float32)
    following = np.zeros(size, dtype=np.float32)
    filled = 0
    for source in range(size):
        seen = [source]
        total[source] = restart
        current_nodes = np.array([source], dtype=np.int64)
        current_mass = np.array([restart], dtype=np.float32)
        for _ in range(rounds):
            touched = [source]
            touched.clear()
            for place in range(len(current_nodes)):
                node = current_nodes[place]
                for e in range(starts[node], starts[node + 1]):
                    target = targets[e]
                    if steps[e] <= 0.0:
                        continue
                    if following[target] == 0.0:
                        touched.append(target)
                    following[target] += current_mass[place] * steps[e]
            nodes = np.array(touched, dtype=np.int64)
            values = following[nodes]
            if len(nodes) > keep:
                best = np.argsort(-values)[:keep]
                nodes_kept = nodes[best]
                values_kept = values[best]
            else:
                nodes_kept = nodes
                values_kept = values
            for place in range(len(nodes)):
                following[nodes[place]] = 0.0
            for place in range(len(nodes_kept)):
                node = nodes_kept[place]
                if total[node] == 0.0:
                    seen.append(node)
                total[node] += values_kept[place]
            current_nodes, current_mass = nodes_kept, values_kept
        reached = np.array(seen, dtype=np.int64)
        if len(reached) > keep:
            reached = reached[np.argsort(-total[reached])[:keep]]
        reached = np.sort(reached)
        for place in range(len(reached)):
            columns[filled] = reached[place]
            mass[filled] = total[reached[place]]
            filled += 1
        for place in range(len(seen)):
            total[seen[place]] = 0.0
        row_starts[source + 1] = filled
    return row_starts, columns[:filled].copy(), mass[:filled].copy()
