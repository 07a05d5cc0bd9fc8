"""Taxonomies: official codes and authored tables, each with the distance that the graph measures by it."""
