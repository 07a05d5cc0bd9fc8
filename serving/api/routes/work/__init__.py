"""Routes of the work of operators and brokers: matches acted on, demands dispatched."""
