"""产业链: chains, their bottlenecks, their nodes."""
