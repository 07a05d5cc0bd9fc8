"""Routes of trust: who may see what, evidence, providers' quality, sources."""
