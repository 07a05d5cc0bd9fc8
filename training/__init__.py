"""Graded pairs, encoder and ranker fitting, and what MLflow records of them."""
