"""The work on matches: states, actions and their history; append-only, with clocks passed in."""
