"""Rerankers: models that read a demand and a record together; behind an endpoint or in a local directory."""
