"""Commands that measure: evaluate, recall, benchmarks, load, studies, constraints and terms."""
