"""Endpoints of models, as operators see them."""
