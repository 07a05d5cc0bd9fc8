"""How mature an achievement is: what its text states, and what a small model estimates from the whole record."""
