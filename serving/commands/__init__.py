"""Commands of this room: serve, keys, operators, experiment, backup and restore."""
