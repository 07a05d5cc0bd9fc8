"""What makes a store's answers fit to be trusted: who may see what, evidence, providers' quality, sources."""
