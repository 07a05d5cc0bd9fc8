"""Standing requests: what is asked once and answered whenever a record comes that fits; clocks are passed in."""
