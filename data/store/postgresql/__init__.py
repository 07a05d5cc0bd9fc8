"""PostgreSQL: how connections are made and limited, and locks that hold on every machine of one store."""
