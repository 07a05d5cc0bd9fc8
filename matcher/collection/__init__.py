"""A collection of records of one side: columns, encoded texts, indexes and filters."""
