"""What the store gives back: pages of records and events, counts, changes."""
