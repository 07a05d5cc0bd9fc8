"""Records as rows of the graph: terms, fields, holders and classification."""
