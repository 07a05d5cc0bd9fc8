"""Records, Chinese text, file readers, the store, outcome events, splits, the simulator, settings and errors."""
