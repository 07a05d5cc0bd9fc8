"""Models behind HTTP endpoints: allowed hosts, time limits, retries, circuit breaker, daily budget, cache."""
