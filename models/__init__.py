"""Text encoder, vector index, lexical index, ranker, calibration and baselines; each can be saved and loaded."""
