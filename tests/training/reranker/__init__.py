"""Fine-tuning of a tiny cross-encoder."""
