"""The promotion gate, promotion, retraining, monitoring and locks."""
