"""Official codes and names (regions, industries, technology readiness) and what a text tells of them."""
