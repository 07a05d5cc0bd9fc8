"""Commands of this room: build, query and export the graph."""
