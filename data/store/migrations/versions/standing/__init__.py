"""Steps for standing requests and webhooks."""
