"""Questions to the graph: supply, experts, elements, statistics and exports."""
