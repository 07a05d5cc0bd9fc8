"""Commands of this room: import and simulate."""
