"""What connects a demand with an achievement: taxonomies, terms, the graph and its signals."""
