"""Models behind endpoints as one server process uses them."""
