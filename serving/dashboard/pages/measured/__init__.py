"""Pages on what a version gets wrong."""
