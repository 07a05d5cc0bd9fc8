"""Who may ask: keys, roles, rate limits and the middleware that checks them."""
