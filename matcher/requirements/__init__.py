"""Requirements of demands checked against figures of achievements."""
