"""Metrics, one short function each: levels, lists, calibration, exposure, off-policy; and the bootstrap."""
