"""Where the pages' numbers come from: questions to the store, to the bundle and to files that training left."""
