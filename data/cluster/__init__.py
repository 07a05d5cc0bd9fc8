"""Where a build's work on single records runs: in this process, or as tasks of a Ray cluster."""
