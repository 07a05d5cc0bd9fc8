"""Who takes which demand: costs of a pairing, and the assignment of least cost under everybody's capacity."""
