"""Industry chains."""
