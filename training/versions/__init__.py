"""Versions in MLflow: runs, registry, provenance and candidates."""
