"""Steps for the work of operators and brokers."""
