"""The work of operators and brokers in the store: matches acted on, demands assigned."""
