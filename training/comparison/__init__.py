"""Two versions compared: pairs, slices, answers and reference distributions."""
