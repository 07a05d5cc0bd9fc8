"""Nearest vectors by inner product: exact or approximate, with filters, live updates and memory-mapped loading."""

from models.vector_index.index import SegmentedVectorIndex, build_vector_index, load_vector_index
from models.vector_index.interface import IndexKind, VectorIndex

__all__ = ["IndexKind", "SegmentedVectorIndex", "VectorIndex", "build_vector_index", "load_vector_index"]
