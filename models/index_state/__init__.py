"""State that the vector and the lexical index share: live rows and selection."""
