"""Standing requests matched with records as they come: an inverted ask over the requests' own encoded texts."""
