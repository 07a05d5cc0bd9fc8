"""The API for agents: a few exact tools over the Model Context Protocol, each a call of the API's own routes."""
