"""What users are served: whole lists of the real engine for demands whose outcomes nothing has learned from."""
