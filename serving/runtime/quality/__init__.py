"""Records that are out of answers because of their provider or their age."""
