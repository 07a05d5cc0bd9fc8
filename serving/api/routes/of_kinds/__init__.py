"""Routes about records of declared kinds: their records, and one question over several kinds."""
