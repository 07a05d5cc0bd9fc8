"""Lists put in order again by a reranker whose weight was fitted on outcomes that the ranker never saw."""
