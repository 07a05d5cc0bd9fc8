"""Several sources as one pool: which record counts, which are the same, what of them is published."""
