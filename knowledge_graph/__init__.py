"""The knowledge graph: what connects a demand with an achievement, and why. Sits on `data` only."""
