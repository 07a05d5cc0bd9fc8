"""PostgreSQL: how connections are made and limited, and how many rows are written at once."""
