"""Firms as eligibility sees them: typed facts, each a value, a range or unknown, with source and date."""
