"""Steps of the schema that large stores need."""
