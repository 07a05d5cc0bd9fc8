"""Industry chains beside the live model."""
