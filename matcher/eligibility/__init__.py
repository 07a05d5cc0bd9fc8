"""Eligibility: three-valued checks of policies' and products' criteria against a firm's facts, with quotes."""
