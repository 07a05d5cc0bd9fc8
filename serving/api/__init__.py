"""The HTTP API: schemas, examples, encodings and routes."""
