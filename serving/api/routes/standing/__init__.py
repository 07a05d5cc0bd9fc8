"""Routes of standing requests, of the feed of their notices, and of the webhooks that carry those."""
