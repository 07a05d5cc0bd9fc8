"""Simulated evaluations and activity of providers, with what was planted in them."""
