"""Asking shards from a server: where they are, and which engine a folder makes."""
