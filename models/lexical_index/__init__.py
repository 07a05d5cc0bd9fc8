"""Documents that share words with a query, by BM25, with filters, live updates and memory-mapped loading."""

from models.lexical_index.index import LexicalIndex

__all__ = ["LexicalIndex"]
