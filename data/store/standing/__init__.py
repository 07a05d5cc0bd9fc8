"""Standing requests in the store, the notices that they led to, and the webhooks that carry those."""
