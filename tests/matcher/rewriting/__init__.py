"""Other words for a demand, from a scripted model."""
