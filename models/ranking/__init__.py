"""Ranking models: ordinal trees, pair kernel, position bias and calibration."""
