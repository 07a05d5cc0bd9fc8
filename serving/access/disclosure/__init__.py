"""The filter that every answer of the API passes: what a caller may not see of restricted records is taken out."""
