"""Served lists judged by a model, against a scripted endpoint."""
