"""Industry chains: records placed on their nodes, bottlenecks, and who could close them."""
