"""Industry chains in the store."""
