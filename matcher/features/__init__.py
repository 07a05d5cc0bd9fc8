"""Features of pairs: attributes, graph signals and the feature table."""
