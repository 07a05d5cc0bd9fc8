"""Tables as batches of rows ready to be written, read in this process or in one of its own."""
