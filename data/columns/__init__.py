"""Columns in memory: strings with ids, memory-mapped and read-only arrays, pairs of ids."""
