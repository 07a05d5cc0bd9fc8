"""Imports: what each did and what the records were before, so that it can be undone."""
