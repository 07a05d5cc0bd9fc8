"""Reasons: which features moved a pair, with their evidence, in Chinese."""
