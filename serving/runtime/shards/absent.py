"""What a shard answers that does not hold the version it was asked for."""


class Absent:
    """No answer: the version is not held here."""
