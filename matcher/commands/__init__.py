"""Commands of this room: recommend, clarify, gaps and advise."""
