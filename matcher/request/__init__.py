"""The one request path: subject, pipeline, stages and matches."""
