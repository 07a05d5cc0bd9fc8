"""Pages of a working day: what waits, the matches being worked on, and the pairs to judge."""
