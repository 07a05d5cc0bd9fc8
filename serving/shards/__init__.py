"""Serving from shards: actors of a Ray cluster that hold parts of a bundle, and what asks them."""
