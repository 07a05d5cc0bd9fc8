"""A small local cross-encoder, fine-tuned on the outcomes of a store."""
