"""The graph as a request reads it: signals, retrieval and paths."""
