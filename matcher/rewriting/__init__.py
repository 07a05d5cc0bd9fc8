"""A demand in other words: an extra channel of candidates where a gate showed that it gains."""
