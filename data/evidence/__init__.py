"""Evidence of what was shown to whom: entries chained by hash, a Merkle tree a day; nothing here knows a database."""
