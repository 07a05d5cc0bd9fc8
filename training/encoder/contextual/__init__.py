"""Distilling the small contextual encoder that ships with the project from multilingual-e5-small."""
