"""The HTTP API: routes, problem details and the bundle that is being served."""
