"""Where a benchmark at a large scale does less, so that the whole stays under 20 minutes."""

MAX_PEER_BUILD = 200_000
"""Vectors up to which FAISS' usual quantised index is built beside ours; with a million it takes many minutes."""
FEW_QUERIES = 64
"""Queries above that scale: each true answer costs a pass over all vectors."""
